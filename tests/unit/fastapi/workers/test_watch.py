"""The watch goes on, whatever it meets."""

import threading

import pytest

from apituner.fastapi.workers.watch import WatchThread


class _Faulty:
    """Something that cannot be looked at the first time."""

    def __init__(self) -> None:
        self.looked_again = threading.Event()
        self._looks = 0

    def next_look_s(self, _now_s: float) -> float:
        """Look soon."""
        return 0.0

    def look(self, _now_s: float) -> None:
        """Fail once."""
        self._looks += 1
        if self._looks == 1:
            raise OSError("No space left on device")
        self.looked_again.set()

    def publish(self, _now_s: float) -> None:
        """Do nothing."""


def test_a_fault_is_told_and_is_not_the_end_of_the_watch(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that is full will be emptied, and the API is to be observed then."""
    monkeypatch.setattr("apituner.fastapi.workers.watch._REST_S", 0.0)
    watched = _Faulty()
    thread = WatchThread(watched)
    assert watched.looked_again.wait(5)
    thread.stop()
    assert caplog.messages == ["could not publish the metrics of this process"]
