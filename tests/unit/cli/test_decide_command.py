"""The command itself, in a pipe: one answer a line at once, quiet at its end."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apituner.cli import main
from apituner.cli.filter.brain import Brain
from questions import a_line, later

_COMMAND = [sys.executable, "-m", "apituner", "decide"]


@pytest.fixture
def command() -> Iterator[subprocess.Popen[bytes]]:
    """Start the command, its three streams in our hands, and end it with the test."""
    with subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        yield started
        started.kill()


def _line(seconds: float = 0) -> bytes:
    return json.dumps(later(seconds)).encode() + b"\n"


def test_every_line_is_answered_in_order_until_the_end() -> None:
    """Good ones and bad ones, one out for each in, exit status 0, nothing on stderr; the very bytes of the brain."""
    lines = [_line(), b"[]\n", b"\n", b"\xff\n", b'{"v": 1, "id": "x"}\n', _line(15), _line(30).rstrip()]
    brain = Brain()

    ran = subprocess.run(_COMMAND, input=b"".join(lines), capture_output=True, check=False)

    assert (0, b"") == (ran.returncode, ran.stderr)
    assert [brain.answer(line.removesuffix(b"\n")) for line in lines] == ran.stdout.splitlines()


def test_nothing_in_nothing_out() -> None:
    """An empty stream is answered by an empty one."""
    ran = subprocess.run(_COMMAND, stdin=subprocess.DEVNULL, capture_output=True, check=False)

    assert (0, b"", b"") == (ran.returncode, ran.stdout, ran.stderr)


def test_each_answer_comes_before_the_next_question(command: subprocess.Popen[bytes]) -> None:
    """Whoever asks may wait for the answer: nothing stays in a buffer."""
    assert command.stdin is not None
    assert command.stdout is not None
    for seconds in (0, 15):
        command.stdin.write(_line(seconds))
        command.stdin.flush()
        assert json.loads(command.stdout.readline())["id"] == "shop/orders"


def test_nobody_listens_any_more(command: subprocess.Popen[bytes]) -> None:
    """As `| head -1` ends a filter: by the signal, without a word."""
    assert command.stdin is not None
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout.close()
    command.stdin.write(_line())
    command.stdin.flush()

    assert (-signal.SIGPIPE, b"") == (command.wait(timeout=30), command.stderr.read())


def test_ctrl_c_is_quiet(command: subprocess.Popen[bytes]) -> None:
    """No traceback for who has seen enough."""
    assert command.stdin is not None
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdin.write(_line())
    command.stdin.flush()
    command.stdout.readline()
    command.send_signal(signal.SIGINT)

    assert (-signal.SIGINT, b"") == (command.wait(timeout=30), command.stderr.read())


def test_the_command_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    """In the help, with what it does."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "decide about one API for every JSON line on stdin" in " ".join(capsys.readouterr().out.split())


def test_the_filter_does_not_bring_the_operator_along() -> None:
    """No framework, no cluster client: a filter starts many times."""
    code = "import sys; import apituner.cli.decide; print(*sorted({'kopf', 'kubernetes', 'prometheus_api_client'} & sys.modules.keys()))"

    ran = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, check=True, text=True)

    assert ran.stdout == "\n"


def test_the_example_line_is_one_that_can_be_decided() -> None:
    """What all tests of the command rest on."""
    assert b'"error"' not in Brain().answer(json.dumps(a_line()).encode())
