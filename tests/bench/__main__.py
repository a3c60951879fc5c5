"""
Measures what the instrumentation costs, and prints it as a table.

The servers run on one core, the clients and the database on another; all in one run, in turns of 50 ms.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from ailing.ward import a_database
from bench.contestants import ROUTES, running, stay_on_the_clients_core
from bench.scores import ratio, slowest_ratio, slowest_s
from bench.turns import CLIENTS, Scores, play

_NAMES = ("bare", "apituner", "apituner, metrics alone", "instrumentator")
_ROUNDS = 300
_STACKS = {
    "uvloop and httptools (fastapi[standard])": ("--loop", "uvloop", "--http", "httptools"),
    "asyncio and h11 (plain uvicorn)": ("--loop", "asyncio", "--http", "h11"),
}
# What the instrumentation may cost at most.
_TARGETS = {"/hello": 0.90, "/query": 0.97}


def main() -> None:
    """Measure both stacks."""
    stay_on_the_clients_core()
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, a_database(Path(folder)) as host:
        url = f"postgresql+asyncpg://postgres@/postgres?host={host}"
        for stack, arguments in _STACKS.items():
            sys.stdout.write(f"\n{stack}: {CLIENTS} clients, {_ROUNDS} turns each, about 1 min 15 s ...\n")
            sys.stdout.flush()
            with running(_NAMES, url, arguments) as contestants:
                scores = asyncio.run(play(contestants, ROUTES, rounds=_ROUNDS))
            results[stack] = _show(scores)
    out = Path("build/bench/instrumentation.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=2), encoding="utf-8")
    sys.stdout.write(f"\nThe figures stand in {out}.\n")


def _show(scores: Scores) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for route in ROUTES:
        bare = scores["bare", route]
        sys.stdout.write(f"  {route}, of which ours should keep {_TARGETS[route]:.2f} of the throughput\n")
        for name in _NAMES:
            score = scores[name, route]
            throughput, cpu = ratio(score.requests_per_s, bare.requests_per_s), ratio(bare.cpu_us, score.cpu_us)
            slowest = slowest_ratio(score, bare)
            sys.stdout.write(
                f"    {name:24} {median(score.requests_per_s):6.0f} req/s x {throughput}\n"
                f"    {'':24} {median(score.cpu_us):6.1f} us CPU, so x {cpu}\n"
                f"    {'':24} {slowest_s(score) * 1e3:6.2f} ms p99 x {slowest}\n"
            )
            found[f"{name} {route}"] = {
                "requests_per_s": median(score.requests_per_s),
                "throughput_ratio": throughput.median,
                "throughput_ratio_95": throughput.likely,
                "cpu_us": median(score.cpu_us),
                "cpu_ratio": cpu.median,
                "p99_ms": slowest_s(score) * 1e3,
                "p99_ratio": slowest.median,
            }
    return found


if __name__ == "__main__":
    main()
