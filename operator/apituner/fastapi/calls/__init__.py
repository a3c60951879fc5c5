"""
HTTP requests to other services: seen, whichever client sends them, and made safe by a client that is ready to use.

Reading order: watch (what is noted of a call, and how it is counted); httpx_bodies, httpx_transports, aiohttp_sessions, urllib3_pools (how
each library is hooked, and no more); libraries (which of them the application has imported). Then the client of our own: budget (how many
retries there may be), hosts (what is known of each service), retries, propagation, transports (one request, its attempts), client (the page
that puts it together).
"""
