"""The watch goes on, whatever it meets."""

import threading

import pytest

from apituner.fastapi.workers.watch import WatchThread


class _Faulty:
    """Something that can neither be looked at nor be published."""

    def __init__(self) -> None:
        self.looks = self.publications = 0
        self.enough = threading.Event()

    def next_look_s(self, _now_s: float) -> float:
        """Look soon."""
        return 0.001

    def look(self, _now_s: float) -> None:
        """Fail."""
        self.looks += 1
        raise RuntimeError("dictionary changed size during iteration")

    def publish(self, _now_s: float) -> None:
        """Fail."""
        self.publications += 1
        if self.publications == 3:
            self.enough.set()
        raise OSError("No space left on device")


def test_a_fault_is_told_and_is_not_the_end_of_the_watch(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What was noted is bounded, so it must be handed on; a disk that is full will be emptied. The log says it once a minute."""
    monkeypatch.setattr("apituner.fastapi.workers.watch.PUBLISH_EVERY_S", 0.002)
    watched = _Faulty()
    thread = WatchThread(watched)
    assert watched.enough.wait(5)
    thread.stop()
    assert watched.looks >= 3
    assert sorted(caplog.messages) == [
        "could not look at the event loop of this process",
        "could not publish the metrics of this process",
    ]
