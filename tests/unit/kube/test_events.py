"""Events say a thing once, and never flood."""

import logging
from datetime import timedelta
from typing import Any, cast

import pytest

from apituner.kube.client import Api, Kind
from apituner.kube.errors import Unreachable
from apituner.kube.events import Note, Recorder, Regarding, Severity, event
from builders import NOON

_ORDERS = Regarding(api_version="apituner.dev/v1alpha1", kind="ApiTuning", namespace="shop", name="orders", uid="u-1")
_NOTE = Note(reason="Applied", because="pool 5 to 14")


class Notebook:
    """An API server that keeps what is created, or is down."""

    def __init__(self) -> None:
        self.written: list[dict[str, Any]] = []
        self.down = False

    async def create(self, _kind: Kind, _namespace: str, body: dict[str, Any]) -> dict[str, Any]:
        """Keep the object."""
        if self.down:
            raise Unreachable("the API server is down")
        self.written.append(body)
        return body


@pytest.fixture
def notebook() -> Notebook:
    """Return an API server with nothing in it."""
    return Notebook()


@pytest.fixture
def recorder(notebook: Notebook) -> Recorder:
    """Return a recorder that writes into the notebook."""
    return Recorder(cast("Api", notebook), instance="apituner-0")


async def test_the_same_words_are_said_once_an_hour(notebook: Notebook, recorder: Recorder) -> None:
    """The API server keeps an Event for an hour; repeating it before adds nothing."""
    written = [await recorder.record(_ORDERS, _NOTE, NOON + timedelta(minutes=minute)) for minute in (0, 1, 59, 60, 61)]

    assert written == [True, False, False, True, False]
    assert len({event["metadata"]["name"] for event in notebook.written}) == 2


async def test_other_words_and_other_objects_are_news(recorder: Recorder) -> None:
    """Object, reason and note together make it the same."""
    other = Regarding(api_version="apituner.dev/v1alpha1", kind="ApiTuning", namespace="shop", name="payments", uid="u-2")

    assert [
        await recorder.record(_ORDERS, _NOTE, NOON),
        await recorder.record(other, _NOTE, NOON),
        await recorder.record(_ORDERS, Note(reason="Held", because=_NOTE.because), NOON),
        await recorder.record(_ORDERS, Note(reason="Applied", because="pool 14 to 20"), NOON),
    ] == [True, True, True, True]


async def test_an_object_that_says_too_much_is_slowed_down(recorder: Recorder) -> None:
    """25 at once, then one in five minutes; another object has its own allowance."""
    for number in range(40):
        await recorder.record(_ORDERS, Note(reason="Held", because=f"for the {number}th time"), NOON)
    later = NOON + timedelta(minutes=5)

    assert [
        await recorder.record(_ORDERS, Note(reason="Held", because="still"), NOON),
        await recorder.record(_ORDERS, Note(reason="Held", because="again"), later),
        await recorder.record(_ORDERS, Note(reason="Held", because="and again"), later),
    ] == [False, True, False]


async def test_a_failure_stops_nothing_and_is_logged_once(notebook: Notebook, recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    """What could not be said is said when the API server is back."""
    caplog.set_level(logging.WARNING)
    notebook.down = True
    failed = [await recorder.record(_ORDERS, _NOTE, NOON), await recorder.record(_ORDERS, _NOTE, NOON)]
    notebook.down = False

    assert [*failed, await recorder.record(_ORDERS, _NOTE, NOON)] == [False, False, True]
    assert [record.getMessage() for record in caplog.records] == ["Events are not written, the work goes on: the API server is down"]


def test_an_event_holds_what_the_api_asks_for() -> None:
    """Every required field of events.k8s.io/v1, and a note of at most 1 KiB even in a script of many bytes."""
    note = Note(reason="Held", because="ü" * 2000, severity=Severity.WARNING)

    body = event(_ORDERS, note, NOON, instance="apituner-0")

    assert tuple(body[key] for key in ("eventTime", "type", "reason", "action")) == (
        "2026-11-23T12:00:00.000000Z",
        "Warning",
        "Held",
        "Tune",
    )
    assert (body["reportingController"], body["reportingInstance"]) == ("apituner.dev/operator", "apituner-0")
    assert len(body["note"].encode()) <= 1024
    assert body["note"].endswith("…")
