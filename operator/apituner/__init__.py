"""Keeps FastAPI services inside their latency objective at the least cost, on Kubernetes."""
