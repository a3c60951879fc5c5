"""An API whose routes are sick one by one exports of each the evidence of its own sickness, and of no other."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import oldest
from ailing.evidence import EVIDENCE
from ailing.ward import Patient, a_database, a_downstream, admitted
from servers import eventually

# How often each route is asked, and how many times at once: threads and connections run short only among many.
_CROWDS = {"/threads": (18, 18), "/starved": (18, 18), "/no-timeout": (6, 1), "/many-queries": (6, 1), "/healthy": (12, 1)}
_USUALLY = (4, 1)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A database and another service, for all tests of this file."""
    with a_database(tmp_path_factory.mktemp("postgres")) as host, a_downstream() as downstream:
        yield {"DATABASE_HOST": host, "DOWNSTREAM": downstream, "DB_POOL_SIZE": "2", "DB_MAX_OVERFLOW": "0", "DB_POOL_TIMEOUT": "10"}


async def _matrix(patient: Patient) -> dict[str, list[str]]:
    """Ask each route, one after the other; return which sicknesses each shows."""
    asked = {route: _CROWDS.get(route, _USUALLY) for route in ("/healthy", *EVIDENCE)}
    for route, (times, at_once) in asked.items():
        await patient.ask(route, times=times, at_once=at_once)
    counted = {route: times for route, (times, _) in asked.items()}
    eventually(lambda: {route: seen.requests for route, seen in patient.by_route().items() if route} == counted, f"{counted}")
    # What is given back, blocked, checked or done after the last response is told a moment later.
    await asyncio.sleep(1.0)
    return {route: [sickness for sickness, shows in EVIDENCE.items() if shows(seen)] for route, seen in patient.by_route().items() if route}


_CLEAR: dict[str, list[str]] = {"/healthy": []} | {route: [route] for route in EVIDENCE}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("driver", ["sqlalchemy", "asyncpg", "psycopg"])
async def test_each_sickness_shows_in_its_route_and_in_no_other(driver: str, workers: int, environ: dict[str, str], tmp_path: Path) -> None:
    """A matrix without confusion, by each driver, in one process and in three."""
    with admitted({**environ, "DRIVER": driver, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, workers=workers) as patient:
        assert await _matrix(patient) == _CLEAR


@pytest.mark.parametrize("driver", ["sqlalchemy", "asyncpg", "psycopg"])
async def test_the_oldest_libraries_are_seen_through_as_well(driver: str, environ: dict[str, str]) -> None:
    """FastAPI of 2023 builds its responses, closes its dependencies and calls its threads in other places than that of today."""
    with admitted({**environ, "DRIVER": driver}, python=oldest.python()) as patient:
        assert await _matrix(patient) == _CLEAR
