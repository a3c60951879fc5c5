"""
Real responses against the API's own OpenAPI document: a sample of them, off the event loop.

Reading order: check (the switch, and what is not checked), sampling (which responses, on the event loop); bodies (what was sent), documents
(what was declared), deviations, schemas (where they differ), verdicts (the three together); backlog (the thread that has the time), checker
(the page that puts them together).
"""
