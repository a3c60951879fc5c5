"""A process leaves nothing uncounted, and a child that it forks begins anew."""

import subprocess
import sys
from pathlib import Path

from apituner.fastapi.workers.sums import added_up

_OPERATOR = Path(__file__).parents[4] / "operator"

_ONE_REQUEST = """
import asyncio, os, sys
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from apituner.fastapi import instrument

app = Starlette(routes=[Route("/", lambda request: Response())])
instrument(app)

async def nothing(*_):
    return {"type": "http.request"}

asyncio.run(app({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, nothing, nothing))
if (child := os.fork()) == 0:
    sys.exit()
os.waitpid(child, 0)
"""

# A process that has served, and forks a child that serves as well, as a test suite does that starts a server.
_A_CHILD_THAT_SERVES = """
import asyncio, os, sys
from starlette.applications import Starlette
from apituner.fastapi import instrument

observed = instrument(Starlette()).worker

async def attend():
    observed.attend()
    return observed.port

theirs = asyncio.run(attend())
if (child := os.fork()) == 0:
    began_without = observed.port is None and observed.loop is None
    ours = asyncio.run(attend())
    observed.leave()
    os._exit(not (began_without and ours not in (None, theirs)))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or observed.port != theirs)
"""


def test_what_was_noted_last_counts_where_a_server_runs_no_lifespan(tmp_path: Path) -> None:
    """In a process of its own, which ends at once, and once: a child that it forked has a copy. Its CPU time counts from the start."""
    subprocess.run(
        [sys.executable, "-c", _ONE_REQUEST],
        check=True,
        env={"PYTHONPATH": str(_OPERATOR), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "APITUNING_METRICS_PORT": "0"},
    )
    families, _ = added_up(tmp_path.glob("*.db"))
    counted = {sample.name: sample.value for family in families for sample in family.samples}
    assert 1 == counted["http_server_request_duration_seconds_count"]
    assert counted["process_cpu_time_seconds_total"] > 0.1


def test_a_child_that_is_forked_and_serves_is_a_worker_of_its_own() -> None:
    """It has neither the threads nor the port of its parent, so it begins anew; the parent keeps what it has."""
    subprocess.run(
        [sys.executable, "-c", _A_CHILD_THAT_SERVES],
        check=True,
        timeout=20,
        env={"PYTHONPATH": str(_OPERATOR), "APITUNING_METRICS_PORT": "0", "APITUNING_METRICS_HOST": "127.0.0.1"},
    )
