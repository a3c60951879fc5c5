"""
What a request took, and what it asked of others.

Reading order: routes (which template), spans (what it asked of others), exchange (the request itself), queueing (how long it waited
before), meter (what is noted of it), middleware (what is measured at all); serialization, background (what FastAPI and Starlette do around
it).
"""
