"""
The edge to Prometheus: one constant handful of queries a sweep, every answer doubted, every doubt a sentence.

Reading order: series, presets, promql, queries (what is asked); faults, refusal, answer, session, lanes, breaker, tally, client (how it is
asked and what may go wrong); choice, coverage, histogram, figures, details, readout (what it means); observer (the page that calls all).
"""
