"""
What an API on FastAPI or Starlette imports to be observable; of third parties it needs prometheus_client alone.

    from apituner.fastapi import instrument, pool_settings

    engine = create_async_engine(DATABASE_URL, **pool_settings())
    app = FastAPI()
    instrument(app, engine=engine)

Reading order: settings (what the environment says); seldom (how often the same thing is said); measures (every metric, and how a number
becomes a series); requests (what a request took, and what it asked of others); database, calls, eventloop (what it waited for); operations
(defaults that every API needs, off unless asked for); workers (the processes that run it, and how they become one scrape); instrumentation
(the page that puts them together).
"""

from apituner.fastapi.calls.client import http_client
from apituner.fastapi.instrumentation import Instrumentation, instrument
from apituner.fastapi.operations.access import AccessLog
from apituner.fastapi.operations.application import ApplicationLog
from apituner.fastapi.operations.contract.check import ContractCheck
from apituner.fastapi.operations.identity import RequestIds
from apituner.fastapi.operations.probes import Probes
from apituner.fastapi.settings import pool_settings

__all__ = [
    "AccessLog",
    "ApplicationLog",
    "ContractCheck",
    "Instrumentation",
    "Probes",
    "RequestIds",
    "http_client",
    "instrument",
    "pool_settings",
]
