"""Others that a scrape would miss are noticed, and places are handed on."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from apituner.fastapi.workers.siblings import Siblings


@pytest.fixture
def address(request: pytest.FixtureRequest) -> str:
    """An address that no other test has."""
    return f"{os.getpid()}/{request.node.name}:1"


def test_siblings_see_each_other(address: str) -> None:
    """Two processes at one metrics address are two, however they were started; another address is another container."""
    first, second, other = Siblings(address), Siblings(address), Siblings(f"{address}2")
    for each in (first, second, other):
        each.join()
    assert [2, 2, 1] == [first.count(), second.count(), other.count()]
    second.leave()
    assert 1 == first.count()
    first.leave()
    other.leave()


def test_without_such_sockets_the_environment_is_believed(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """As many workers as are asked for: better to act on nothing than on a part."""
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert 4 == Siblings(address).count()


def test_one_leads_until_it_leaves(address: str) -> None:
    """What is the container's is reported once, and somebody always does."""
    first, second = Siblings(address), Siblings(address)
    assert [True, False, True] == [first.leads(), second.leads(), first.leads()]
    first.leave()
    assert [True, False] == [second.leads(), first.leads()]
    second.leave()


def _worker(address: str) -> tuple[int, int]:
    """Fork a worker; return its pid and its place."""
    place, told = os.pipe()
    if (pid := os.fork()) == 0:
        siblings = Siblings(address)
        siblings.join()
        os.write(told, bytes([siblings.place]))
        while True:
            signal.pause()
    with open(place, "rb") as read:  # noqa: PTH123 - a pipe has no path
        os.close(told)
        select.select([read], [], [])
        return pid, os.read(read.fileno(), 1)[0]


@pytest.fixture
def workers(address: str) -> Iterator[list[tuple[int, int]]]:
    """Three of them."""
    running = [_worker(address) for _ in range(3)]
    yield running
    for pid, _ in running:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fifty_respawns_take_three_places(workers: list[tuple[int, int]], address: str) -> None:
    """The label of a worker's memory is its place: it must not become a new series with every worker."""
    places = {place for _, place in workers}
    for respawn in range(50):
        pid, _ = workers.pop(respawn % 3)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        workers.append(_worker(address))
        places.add(workers[-1][1])
    assert {0, 1, 2} == places
