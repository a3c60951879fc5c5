"""
What the instrumentation costs: ``make bench-instrumentation``.

Reading order: app (what is served), contestants (who serves it), turns (how it is asked), scores (what that says), __main__ (the page).
"""
