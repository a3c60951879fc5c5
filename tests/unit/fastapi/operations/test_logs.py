"""Two logs, apart, each line with the ids of its request, and no line that somebody else has written."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.access import AccessLog, AccessWriter
from apituner.fastapi.operations.application import ApplicationLog, ApplicationWriter, LineFormatter
from apituner.fastapi.operations.lines import Clock
from apituner.fastapi.requests.exchange import Ended, Exchange
from apituner.fastapi.requests.meter import Meter
from apituner.fastapi.requests.routes import RouteTable
from apituner.fastapi.requests.spans import current


def _ended(path: str = "/orders/7", client: tuple[str, int] | None = ("10.0.0.7", 1234)) -> Ended:
    return Ended(
        endpoint=id(None),
        method="GET",
        path=path,
        status=200,
        at_s=0.0,
        seconds=0.0123,
        sent_bytes=17,
        serialization_s=0.0,
        spans=(),
        body=None,
        client=client,
        request_id="abc",
        trace_id="def",
    )


class _Accesses:
    """An access log that writes to memory."""

    def __init__(self, log: AccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.signals = Signals(CollectorRegistry())
        self.writer = AccessWriter(log, self.signals.worker.log_dropped.of())
        self._out = io.StringIO()
        monkeypatch.setattr(sys, "stdout", self._out)

    def lines(self, *ended: Ended) -> list[str]:
        """Log requests, and return what was written."""
        self.writer.start()
        for one in ended:
            self.writer.read(one, "/orders/{order_id}")
        self.writer.stop()
        return self._out.getvalue().splitlines()


def test_a_request_is_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """For machines; the query is not among it, for it may hold a token."""
    (line,) = _Accesses(AccessLog(), monkeypatch).lines(_ended())
    written = json.loads(line)
    assert written.pop("time").endswith("Z")
    assert written == {
        "logger": "access",
        "method": "GET",
        "path": "/orders/7",
        "route": "/orders/{order_id}",
        "status": 200,
        "duration_ms": 12.3,
        "bytes": 17,
        "client": "10.0.0.7",
        "request_id": "abc",
        "trace_id": "def",
    }


def test_a_request_is_one_line_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """For people."""
    (line,) = _Accesses(AccessLog(format="text"), monkeypatch).lines(_ended(client=None))
    assert line.partition(" access ")[2] == ' "GET /orders/7" 200 12.3ms 17B request_id=abc trace_id=def'


@pytest.mark.parametrize("log", [AccessLog(), AccessLog(format="text")], ids=["json", "text"])
@pytest.mark.parametrize("path", ['/a","status":500,"x":"', "/a\n2026-11-24T10:00:00.000Z access forged", "/a\x1b[31m\u202e", "/\ud800"])
def test_a_path_forges_nothing(log: AccessLog, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a client asks for is written so that it stays within its quotes and its line."""
    (line,) = _Accesses(log, monkeypatch).lines(_ended(path))
    assert line.isascii()
    assert line.isprintable()
    if log.format == "json":
        assert json.loads(line)["path"] == path
        assert json.loads(line)["status"] == 200


def test_lines_behind_a_pipe_that_nobody_reads_are_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API neither blocks nor grows without end."""
    accesses = _Accesses(AccessLog(), monkeypatch)
    for _ in range(10_005):
        accesses.writer.read(_ended(), "/")
    accesses.signals.tallies.count()
    assert accesses.signals.registry.get_sample_value("apituning_access_log_dropped_total") == 5


class _Pipe(io.StringIO):
    """Keeps what was written at once."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def flush(self) -> None:
        """Send what was written."""
        self.pieces.append(self.getvalue())
        self.seek(0)
        self.truncate()


def test_lines_are_written_in_pieces_that_a_pipe_keeps_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers share the standard output: what is longer is torn by what another one writes. The longest path fits nevertheless."""
    accesses = _Accesses(AccessLog(), monkeypatch)
    pipe = _Pipe()
    monkeypatch.setattr(sys, "stdout", pipe)
    paths = [f"/orders/{number}" for number in range(100)] + ["/" + "\U0001f600" * 60_000] * 3
    accesses.lines(*map(_ended, paths))
    written = [json.loads(line)["path"] for piece in pipe.pieces for line in piece.splitlines()]
    assert (written[:100], len(written)) == (paths[:100], 103)
    assert all(paths[100].startswith(path) and len(path) > 100 for path in written[100:])
    assert all(piece.endswith("\n") and len(piece) <= 4096 for piece in pipe.pieces)
    assert len(pipe.pieces) < 20


def test_an_output_that_is_gone_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are lost, and counted."""
    accesses = _Accesses(AccessLog(), monkeypatch)
    sys.stdout.close()
    accesses.writer.start()
    accesses.writer.read(_ended(), "/")
    accesses.writer.stop()
    accesses.signals.tallies.count()
    assert accesses.signals.registry.get_sample_value("apituning_access_log_dropped_total") == 1


def test_the_servers_own_access_log_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request would be said twice."""
    uvicorn = logging.getLogger("uvicorn.access")
    uvicorn.addHandler(logging.NullHandler())
    _Accesses(AccessLog(), monkeypatch).lines()
    assert not uvicorn.hasHandlers()
    uvicorn.propagate = True


@pytest.mark.parametrize(
    ("expected", "epoch_s"),
    [
        pytest.param("2026-11-24T10:00:00.123Z", 1795514400.1239, id="milliseconds are cut"),
        pytest.param("2026-11-24T10:00:01.000Z", 1795514401.0, id="the next second"),
        pytest.param("1970-01-01T00:00:00.000Z", 0.0, id="the beginning"),
    ],
)
def test_times_are_written_as_rfc_3339_has_them(expected: str, epoch_s: float) -> None:
    """In UTC, wherever the machine is."""
    assert expected == Clock().at(epoch_s)


@contextmanager
def _application_log() -> Iterator[io.StringIO]:
    """Begin as an application that has set up no logging, with a standard error in memory; all is put back at the end."""
    root, factory = logging.getLogger(), logging.getLogRecordFactory()
    handlers, level, err = root.handlers[:], root.level, sys.stderr
    root.handlers.clear()
    sys.stderr = out = io.StringIO()
    try:
        yield out
    finally:
        sys.stderr = err
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.setLogRecordFactory(factory)


async def _nothing(*_: object) -> None:
    """Do nothing."""


def _within_a_request(say: str) -> None:
    meter = Meter(Signals(CollectorRegistry()), RouteTable(list))
    exchange = Exchange(meter, {"type": "http", "method": "GET"}, "/", _nothing, _nothing)  # type: ignore[arg-type]  # never used
    exchange.request_id, exchange.trace_id = "abc", "def"
    outer = current.set(exchange)
    logging.getLogger("shop.orders").info("%s", say, extra={"order": 7})
    current.reset(outer)


def test_what_is_logged_within_a_request_has_its_ids() -> None:
    """And the fields that were given beside it; what is logged outside of one has none."""
    with _application_log() as log:
        ApplicationWriter(ApplicationLog()).start()
        _within_a_request("packed")
        logging.getLogger("shop").warning("closing")
    within, outside = (json.loads(line) for line in log.getvalue().splitlines())
    assert within.pop("time") <= outside.pop("time")
    assert within == {"level": "INFO", "logger": "shop.orders", "message": "packed", "request_id": "abc", "trace_id": "def", "order": 7}
    assert outside == {"level": "WARNING", "logger": "shop", "message": "closing"}


def test_a_log_of_words_has_the_same() -> None:
    """One line a record, also where the message has several."""
    with _application_log() as log:
        ApplicationWriter(ApplicationLog(format="text")).start()
        _within_a_request("packed\nand sent")
    assert log.getvalue().partition(" ")[2] == "INFO shop.orders packed\\nand sent request_id=abc trace_id=def order=7\n"


def test_a_handler_that_is_there_keeps_its_stream_and_its_level() -> None:
    """The application has chosen them; nothing is said twice."""
    own = io.StringIO()
    handler = logging.StreamHandler(own)
    handler.setLevel(logging.ERROR)
    with _application_log() as log:
        logging.getLogger().addHandler(handler)
        ApplicationWriter(ApplicationLog()).start()
        ApplicationWriter(ApplicationLog()).start()
        logging.getLogger("shop").warning("quiet")
        logging.getLogger("shop").error("loud")
    assert (log.getvalue(), json.loads(own.getvalue())["message"]) == ("", "loud")


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "text"])
def test_an_exception_is_within_its_line_and_bounded(as_json: bool) -> None:  # noqa: FBT001 - a parameter
    """The end of a long one, where the error is."""

    def dig(left: int) -> None:
        if not left:
            raise ValueError("too\ndeep")
        dig(left - 1)

    try:
        dig(500)
    except ValueError:
        record = logging.getLogger().makeRecord("shop", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    line = LineFormatter(as_json=as_json).format(record)
    assert "\n" not in line
    assert "ValueError: too" in line
    assert len(line) < 20_000
