"""One line a decision, for programs and for people."""

import json
import logging
from collections.abc import Iterator

import pytest

from apituner.logs import log_to_stdout
from fakes import World


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Put the process's logging back."""
    root, ours = logging.root, logging.getLogger("apituner")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


async def _lines(capsys: pytest.CaptureFixture[str], style: str) -> list[str]:
    log_to_stdout("json" if style == "json" else "text")
    world = World()
    for name in ("anvil", "orders"):
        world.deploy(name)
        world.tune(name)
    world.change("anvil", fromTheFuture=True)
    await world.run(3)
    return capsys.readouterr().out.splitlines()


async def test_json_logs_are_one_object_a_decision(capsys: pytest.CaptureFixture[str]) -> None:
    """Two objects, three sweeps: six lines, each with whose it is, what, why, and the step where there is one."""
    told = [json.loads(line) for line in await _lines(capsys, "json")]

    waiting, refused = ("orders", "Hold", "Stabilizing"), ("anvil", "Hold", "SpecRefused")
    assert [(one["object"], one["kind"], one["reason"]) for one in told] == [
        *(waiting, refused),
        *(waiting, refused),
        *(("orders", "Apply", "PoolStarved"), refused),
    ]
    last = told[-2]
    assert (last["level"], last["name"], last["message"], last["namespace"]) == ("INFO", "apituner.decisions", "decision", "shop")
    assert last["step"] == "roll out 1 workers x pool 5, overflow 0"
    assert "902 ms" in last["because"]


async def test_text_logs_are_one_line_a_decision(capsys: pytest.CaptureFixture[str]) -> None:
    """For a terminal: name=value beside the message."""
    lines = await _lines(capsys, "text")

    assert len(lines) == 6
    assert "object='orders' kind='Apply' reason='PoolStarved'" in lines[-2]
    assert "step='roll out 1 workers x pool 5, overflow 0'" in lines[-2]


def test_a_text_log_without_our_fields_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """And a line break in a field does not break the line."""
    log_to_stdout("text")
    logging.getLogger("apituner.x").info("plain")
    logging.getLogger("apituner.x").info("odd", extra={"because": "a\nb"})

    plain, odd = capsys.readouterr().out.splitlines()
    assert plain.endswith("apituner.x plain")
    assert odd.endswith(r"because='a\nb'")


def test_libraries_speak_up_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A watch's debug chatter is not what an operator's log is for."""
    log_to_stdout("json")
    logging.getLogger("kopf").info("chatter")
    logging.getLogger("kopf").warning("trouble")

    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["message"] == "trouble"


def test_a_fault_with_its_traceback_is_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A collector of logs takes lines."""
    log_to_stdout("json")
    try:
        raise RuntimeError("bug")  # noqa: TRY301 - the traceback is what is looked at
    except RuntimeError:
        logging.getLogger("apituner.decisions").exception("fault", extra={"object": "orders"})

    (line,) = capsys.readouterr().out.splitlines()
    assert "RuntimeError: bug" in json.loads(line)["exc_info"]
