"""
What is known of one API from all that was seen of it, and how well. Pure: folding a history of snapshots is the same as living through it.

Reading order: estimate (a figure with its error), kalman (one demand, tracked), idle (what a worker costs without requests), peak (memory),
demands (all demands of a request); buckets, squares, queries (a statement's time by how many run at once); slope, season, arrivals (how
many requests come, and will come); estimates (all of it).
"""
