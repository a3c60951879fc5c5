"""What the tests of calls share: a watch of their own, on libraries that nobody else watches."""

import inspect
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx
import pytest
import urllib3.response
from prometheus_client import CollectorRegistry

from apituner.fastapi.calls.hosts import HOSTS
from apituner.fastapi.calls.libraries import Calls
from apituner.fastapi.measures.signals import Signals

Read = Callable[..., float]

_PATCHED: tuple[tuple[Any, str], ...] = (
    (httpx.AsyncHTTPTransport, "handle_async_request"),
    (httpx.HTTPTransport, "handle_request"),
    (aiohttp.ClientSession, "_request"),
    (urllib3.HTTPConnectionPool, "urlopen"),
    (urllib3.response.HTTPResponse, "release_conn"),
    (urllib3.response.HTTPResponse, "close"),
)


@pytest.fixture
def signals() -> Signals:
    """Signals of which none was given yet."""
    return Signals(CollectorRegistry())


@pytest.fixture
def calls(signals: Signals, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Watch all three libraries until the end of the test."""
    for owner, name in _PATCHED:
        monkeypatch.setattr(owner, name, inspect.unwrap(getattr(owner, name)))
    monkeypatch.setattr(HOSTS, "signals", None)
    watched = Calls(signals)
    watched.look()
    return watched


@pytest.fixture
def value(calls: Calls, signals: Signals) -> Read:
    """Read one series, after everything that was noted is counted; 0 where there is none."""

    def read(name: str, **labels: str) -> float:
        calls.count()
        signals.tallies.count()
        return signals.registry.get_sample_value(name, labels) or 0

    return read
