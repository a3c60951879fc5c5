"""
The API that the story is told with, and its load.

Reading order: orders (the API); answers (what requests took), discovery (where to send them), load (sending them).
"""
