"""
The processes that run the API, and how they become one scrape.

Reading order: throttling, threads, usage, facts (what a process is given, and uses); siblings, forks (how many processes there are); sums,
processes, archive, collecting (the folder that they share: how its files add up, whose they are, what becomes of a dead worker's, and what
a scrape makes of it all); scrapes, serving (the metrics port); watch (the thread that looks from outside); pools, loops (what lives in a
process), worker (the page that calls them all), attendance (the part that one application has in it).
"""
