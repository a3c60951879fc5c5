"""
What an API on FastAPI or Starlette imports to be observable; of third parties it needs prometheus_client alone.

    from apituner.fastapi import instrument, pool_settings

    engine = create_async_engine(DATABASE_URL, **pool_settings())
    app = FastAPI()
    instrument(app, engine=engine)

Reading order: settings (what the environment says), signals (every metric, its labels and buckets); routes, requests (what a request
took); pools, statements (what its connection took); clocks, throttling, loop, worker (what the process did meanwhile); processes, serving
(how many processes become one scrape); instrumentation (the page that puts them together).
"""

from apituner.fastapi.instrumentation import instrument
from apituner.fastapi.settings import pool_settings

__all__ = ["instrument", "pool_settings"]
