"""
The sweep: observe all, decide each, apply few, report what is new.

Reading order: registry (which objects there are), intent and tunings (spec to target and policy), chronicle and recall (status to
memory and back), budgets and accounts (who may hold how many connections), conditions, conclude (the decision under the budget), report,
notices and news (what to tell, and whether it is worth a write), scribe (tells it), sweep (the page that calls them all), pace (one sweep
after the other until told to stop).
"""
