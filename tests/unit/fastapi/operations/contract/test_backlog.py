"""Work that can wait is done by a thread of its own, and never more of it than there is room for."""

import threading

import pytest

from apituner.fastapi.operations.contract.backlog import Backlog


def test_what_is_left_is_done_in_order_by_another_thread() -> None:
    """Not on the event loop's."""
    done: list[tuple[int, str]] = []
    last = threading.Event()

    def work(piece: int) -> None:
        done.append((piece, threading.current_thread().name))
        if piece == 3:
            last.set()

    backlog = Backlog(work)
    assert all(backlog.leave(piece) for piece in (1, 2, 3))
    assert last.wait(10)
    backlog.stop()
    assert done == [(1, "apituner-contract"), (2, "apituner-contract"), (3, "apituner-contract")]


def test_there_is_room_for_so_many() -> None:
    """And what is too much is refused, not waited for."""
    may_go_on, begun = threading.Event(), threading.Event()

    def work(_piece: int) -> None:
        begun.set()
        may_go_on.wait()

    backlog = Backlog(work)
    assert backlog.leave(0)
    assert begun.wait(10)
    taken = [backlog.leave(piece) for piece in range(100)]
    may_go_on.set()
    backlog.stop()
    assert (taken.count(True), taken[32:]) == (32, [False] * 68)


def test_after_its_end_it_takes_nothing_until_it_begins_anew() -> None:
    """A server counts its last requests after the lifespan has ended; an app may have a second life in a test."""
    done, last = [], threading.Event()

    def work(piece: str) -> None:
        done.append(piece)
        last.set()

    backlog = Backlog(work)
    backlog.stop()
    assert not backlog.leave("late")
    backlog.start()
    assert backlog.leave("new")
    assert last.wait(10)
    backlog.stop()
    assert done == ["new"]
    assert not [thread for thread in threading.enumerate() if thread.name == "apituner-contract"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it is what the test is about
def test_a_thread_that_ended_otherwise_is_replaced() -> None:
    """A validator in another language may end it past every except."""
    done, last = [], threading.Event()

    def work(piece: str) -> None:
        if piece == "fatal":
            raise SystemExit
        done.append(piece)
        last.set()

    backlog = Backlog(work)
    assert backlog.leave("fatal")
    thread = backlog._thread
    assert thread
    thread.join(10)
    assert backlog.leave("next")
    assert last.wait(10)
    backlog.stop()
    assert done == ["next"]
