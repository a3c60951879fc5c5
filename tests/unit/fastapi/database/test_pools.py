"""A pool has one name, and what it exports is kept up to date by the worker."""

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.pool import QueuePool

from apituner.fastapi import instrument
from apituner.fastapi.database.pools import watch
from pooled import Exported


def test_a_pool_with_two_names_keeps_the_first(exported: Exported, caplog: pytest.LogCaptureFixture) -> None:
    """Its connections would be counted twice; the log says under which name they are."""
    engine = create_engine("sqlite://")
    first = watch("main", engine, exported.signals)
    assert not caplog.messages
    assert watch("replica", engine, exported.signals) is first
    assert caplog.messages == ["pool 'replica' is the pool 'main', which is watched already: its figures stand under that name"]


def test_the_worker_keeps_the_gauges_of_its_pools_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool's state is not noted, but read."""
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=3, max_overflow=4)
    observed = instrument(FastAPI(), engine={"kept up to date": engine})
    observed.worker.publish()
    named = {"db_client_connection_pool_name": "kept up to date"}
    assert observed.signals.registry.get_sample_value("db_client_connection_max", named) == 7


def test_apps_that_have_one_engine_count_its_statements_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a test suite that makes an app for each test around one engine, or where an app is mounted in another."""
    monkeypatch.setenv("APITUNING_METRICS_PORT", "0")
    engine = create_engine("sqlite://", poolclass=QueuePool)
    signals = [instrument(FastAPI(), engine=engine).signals for _ in range(3)][-1]
    name, labels = "db_client_operation_duration_seconds_count", {"db_system_name": "sqlite"}
    signals.tallies.count()
    before = signals.registry.get_sample_value(name, labels) or 0
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    signals.tallies.count()
    assert signals.registry.get_sample_value(name, labels) == before + 1
    engine.dispose()
