"""
What is measured, and how a number becomes a series.

Reading order: tallies (numbers that are cheap to note), labels (values that cannot run away), buckets; then every metric by what it is
about: request_signals, route_signals, pool_signals, loop_signals, worker_signals, call_signals, defaults_signals; signals (all of them
together).
"""
