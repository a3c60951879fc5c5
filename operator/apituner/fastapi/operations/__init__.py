"""
Operational defaults, each on its own switch: what every API needs and few have.

Reading order: companion (what lives as long as the worker); identity (request and trace ids), lines (how a line of a log is written),
access, application (the two logs).
"""
