"""
The processes that run the API, and how they become one scrape.

Reading order: throttling, threads (what a process is given), processes (how many there are), serving (the metrics port), watch (the thread
that looks from outside), worker (the page that calls them all).
"""
