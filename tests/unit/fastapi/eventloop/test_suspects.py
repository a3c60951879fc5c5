"""Of all functions on a stack, the one that a developer can change is named."""

import asyncio
import json
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

import pytest
import uvloop

from apituner.fastapi.eventloop.pauses import PauseClock
from apituner.fastapi.eventloop.suspects import NOBODY, Suspect, suspect


def _handler(own_packages: frozenset[str] = frozenset()) -> Suspect:
    """Be called back from deep inside the standard library, and look from there, below the callback, as another thread would."""
    found = []

    def called(_: object) -> None:
        found.append(suspect(cast("FrameType", sys._getframe().f_back), own_packages))

    json.JSONDecoder(object_hook=called).decode('{"a": 1}')
    return found[0]


def test_a_call_into_the_library_is_the_callers() -> None:
    """Deep in ``json`` stands a handler that called it, and that is what can be changed."""
    found = _handler()
    assert found.function.endswith("._handler")
    assert found.file == __file__
    assert found.text.startswith("json.JSONDecoder(object_hook=called)")


def test_the_innermost_of_several_own_functions_is_named() -> None:
    """Nearest to the fault: the helper that sleeps, not the handler that calls the helper."""

    def helper() -> FrameType:
        return sys._getframe()

    assert suspect(helper(), frozenset()).function.endswith("test_the_innermost_of_several_own_functions_is_named.<locals>.helper")


def test_an_application_that_is_installed_is_known_by_its_routes() -> None:
    """In an image it lies beside its libraries: its package tells them apart."""
    assert _handler(frozenset({"json"})).function.startswith("json.decoder.")
    assert _handler(frozenset({"other"})).function.endswith("._handler")


@pytest.mark.parametrize("deep", [150, 900])
def test_a_deep_stack_has_an_end(deep: int) -> None:
    """A recursion is looked at as far as it helps."""

    def dig(left: int) -> FrameType:
        return dig(left - 1) if left else sys._getframe()

    assert suspect(dig(deep), frozenset()).function.endswith("dig")


def test_a_collection_is_known_by_our_own_clock() -> None:
    """It stands nowhere on the stack but where it tells of its end; whoever made the last object is not to blame."""
    seen: list[FrameType] = []
    code = "def look(seen, sys): seen.append(sys._getframe())"
    scope: dict[str, Any] = {"__name__": PauseClock.__module__}
    exec(compile(code, "pauses.py", "exec"), scope)  # noqa: S102 - a frame of that module, without a collection
    scope["look"](seen, sys)
    assert suspect(seen[0], frozenset()).function == "(garbage collection)"
    assert "gc.freeze()" in suspect(seen[0], frozenset()).cure


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(f"{sysconfig.get_path('scripts')}/uvicorn", id="in an environment"),
        pytest.param("/usr/lib/python3/dist-packages/uvicorn/__main__.py", id="of a distribution"),
        pytest.param("/home/api/.local/lib/python3.11/site-packages/uvicorn/__main__.py", id="of a user"),
    ],
)
def test_the_servers_own_script_is_not_to_blame(script: str) -> None:
    """It begins every stack of its thread; where no function of the application is on it, the innermost of all is named."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(compile("def run(inner, seen): seen.append(inner())", script, "exec"), scope)  # noqa: S102 - a frame of that file
    client: dict[str, Any] = {"__name__": "redis.client", "sys": sys}
    exec(compile("def read(): return sys._getframe()", json.__file__.replace("json", "redis"), "exec"), client)  # noqa: S102 - likewise
    seen: list[FrameType] = []
    # In a thread, whose stack does not begin with this test.
    thread = threading.Thread(target=scope["run"], args=(client["read"], seen))
    thread.start()
    thread.join()
    assert suspect(seen[0], frozenset({"shop"})).function == "redis.client.read"


@pytest.mark.parametrize("factory", [None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_nobody_holds_a_loop_that_is_idle(factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
    """It is late nevertheless where the whole process was frozen, and then no function is to blame."""
    begun, over = threading.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.to_thread(over.wait)

    runner = asyncio.Runner(loop_factory=factory)
    # In a thread, whose stack does not begin with this test.
    thread = threading.Thread(target=asyncio.Runner.run, args=(runner, wait()))
    thread.start()
    begun.wait()
    until_s = time.monotonic() + 5
    while (seen := suspect(sys._current_frames()[thread.ident or 0], frozenset())) is not NOBODY and time.monotonic() < until_s:
        time.sleep(0.001)
    over.set()
    thread.join()
    runner.close()
    assert seen is NOBODY
