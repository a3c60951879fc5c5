"""
What the database took: waiting for a connection, opening it, holding it, and the statements sent on it.

Reading order: watch (what is noted, whichever library the pool is of), statements; sqlalchemy_engine, asyncpg_pool, psycopg_connections and
psycopg_pools (how each library is hooked, and no more); pools (which of them a given object is).
"""
