"""A worker count on the command line wins over the variable; it has to be seen."""

from typing import Any

import pytest

from apituner.kube.command_line import workers_flag


@pytest.mark.parametrize(
    ("text", "value", "container"),
    [
        pytest.param("--workers 4", 4, {"command": ["uvicorn", "app:app", "--workers", "4"]}, id="uvicorn, two words"),
        pytest.param("--workers=4", 4, {"command": ["/app/.venv/bin/uvicorn"], "args": ["app:app", "--workers=4"]}, id="one word, in args"),
        pytest.param("-w 3", 3, {"command": ["gunicorn", "-w", "3", "app:app"]}, id="gunicorn's short flag"),
        pytest.param("-w3", 3, {"command": ["gunicorn", "-w3", "app:app"]}, id="the short flag with its number"),
        pytest.param("-w 3", 3, {"command": ["hypercorn", "-w", "3", "app:app"]}, id="hypercorn's short flag"),
        pytest.param("--workers 2", 2, {"command": ["fastapi", "run", "--workers", "2"]}, id="fastapi run"),
        pytest.param("--workers 2", 2, {"command": ["granian", "--interface", "asgi", "--workers", "2"]}, id="granian"),
        pytest.param("--workers 2", 2, {"command": ["python", "-m", "uvicorn", "a:a", "--workers", "2"]}, id="as a module"),
        pytest.param("--workers 2", 2, {"command": ["sh", "-c", "exec uvicorn a:a --workers 2"]}, id="inside a shell's line"),
        pytest.param("-w 5", 5, {"args": ["app:app", "-w", "5"]}, id="arguments alone, for the image's entrypoint"),
        pytest.param("--workers $(nproc)", None, {"command": ["gunicorn", "--workers", "$(nproc)"]}, id="no number that we could read"),
        pytest.param("-w 7", 7, {"env": [{"name": "GUNICORN_CMD_ARGS", "value": "-w 7 --preload"}]}, id="gunicorn's own variable"),
    ],
)
def test_a_flag_is_found(text: str, value: int | None, container: dict[str, Any]) -> None:
    """The flag is quoted as it stands, with its number where it is one."""
    flag = workers_flag(container, "WEB_CONCURRENCY")

    assert flag is not None
    assert (text, value) == (flag.text, flag.value)


@pytest.mark.parametrize(
    "container",
    [
        pytest.param({}, id="nothing on the command line"),
        pytest.param({"command": ["uvicorn", "app:app", "--port", "8000"]}, id="other flags"),
        pytest.param({"command": ["uvicorn", "app:app", "--workers", "$(WEB_CONCURRENCY)"]}, id="the variable itself, by Kubernetes"),
        pytest.param({"command": ["sh", "-c", "gunicorn -w ${WEB_CONCURRENCY:-2} a:a"]}, id="the variable itself, by a shell"),
        pytest.param({"command": ["uvicorn", "app:app", "-w", "4"]}, id="-w means nothing to uvicorn"),
        pytest.param({"command": ["worker", "it's", "fine here's"]}, id="quotes that are never closed"),
        pytest.param({"command": ["uvicorn", "app:app", "--workers"]}, id="the flag without a number"),
    ],
)
def test_no_flag_decides(container: dict[str, Any]) -> None:
    """The variable decides unless something else is known to win over it."""
    assert workers_flag(container, "WEB_CONCURRENCY") is None
