"""
What is looked at, one group of checks a file, in the order in which an experienced engineer looks.

Reading order: figures (what a request costs, and what makes it wait), judging (from numbers to a verdict); then the groups:
database_access, external_calls, payload_and_serialization, pools_and_workers (with pods, workers, pools), framework; order (all of them).
"""
