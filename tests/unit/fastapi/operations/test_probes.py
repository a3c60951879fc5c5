"""What cannot be a probe is refused where it is written."""

import functools
from typing import Any

import pytest

from apituner.fastapi import Probes


async def _well() -> None:
    """Be well."""


async def _asked(_what: str) -> None:
    """Be well, whatever is asked."""


class _Callable:
    async def __call__(self) -> None:
        """Be well."""


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(_well, id="a function written with async def"),
        pytest.param(functools.partial(_asked, "database"), id="a partial of one"),
        pytest.param(_Callable(), id="an object that is called like one"),
    ],
)
def test_an_async_check_is_taken(check: Any) -> None:  # noqa: ANN401 - any of the above
    """Whatever its form."""
    assert Probes(ready={"database": check}).ready["database"] is check


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        pytest.param(
            "ready check 'database' is not async: write it with async def", {"ready": {"database": lambda: None}}, id="a sync one"
        ),
        pytest.param("give it a name of 1 to 63 characters", {"ready": {"": _well}}, id="no name"),
        pytest.param("give it a name of 1 to 63 characters", {"ready": {"x" * 10_000_000: _well}}, id="a name of 10 MB"),
        pytest.param("Probes.time_limit_s is 0: give a number of seconds above 0", {"time_limit_s": 0}, id="no time"),
        pytest.param("Probes.time_limit_s is nan", {"time_limit_s": float("nan")}, id="a time that is no number"),
        pytest.param("Probes.drain_s is -1: give a number of seconds, or 0 for no drain", {"drain_s": -1}, id="a negative drain"),
        pytest.param("Probes.drain_s is inf", {"drain_s": float("inf")}, id="an endless drain"),
        pytest.param("give two different ones that begin with '/'", {"ready_path": "ready"}, id="a path without its slash"),
        pytest.param("give two different ones that begin with '/'", {"ready_path": "/healthz"}, id="one path for both"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(sentence: str, arguments: dict[str, Any]) -> None:
    """It says what is wrong, and what to write."""
    with pytest.raises((TypeError, ValueError)) as refusal:
        Probes(**arguments)
    assert sentence in str(refusal.value)
    assert len(str(refusal.value)) < 250
