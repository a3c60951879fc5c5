"""
The Kubernetes edge: reads Deployments, writes steps, status and Events. It tunes nothing and decides nothing.

Reading order: errors, client (how the API server is spoken to); quantities, command_line, ownership, variables, rollouts, deployment (a
manifest becomes a Workload: pure); patches, autoscalers, workloads (the port); conditions, nulls, status, events (what is reported back).
"""
