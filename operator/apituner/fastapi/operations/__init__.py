"""
Operational defaults: what nearly every API needs besides its routes, each on a switch of its own, and nothing while the switch is off.

Reading order: tracing, identity (trace and request ids), lines (how a line of a log is written), access, application (the two logs); probes
(what may be asked for), readiness (who answers them), draining (why a pod is unready before it stops); contract (responses against
OpenAPI); companion, switches (the page that says what each of them takes part in).
"""
