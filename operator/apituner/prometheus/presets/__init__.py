"""
What teams already run: one exporter a file, each of them data, which PromQL gives which figure.

Reading order: preset (the form); apituner (our own, which has everything); opentelemetry, starlette_exporter,
prometheus_fastapi_instrumentator, opentelemetry_old (what others have); precedence (which goes first, and why); table (what
operator/docs/presets.md says of them).
"""
