"""The command line: one file a command. ``apituner run`` is the operator, ``apituner decide`` its brain as a filter."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

_COMMANDS = {
    "run": "run the operator; its settings come from the environment",
    "decide": "decide about one API for every JSON line on stdin, and answer in one line each",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="apituner", description="Keeps FastAPI services inside their latency objective at the least cost."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in _COMMANDS.items():
        commands.add_parser(name, help=what)
    chosen = parser.parse_args(sys.argv[1:] if arguments is None else arguments).command
    # Only the command that is run is imported: a filter in a pipe has no use for the whole operator.
    status: int = import_module(f"apituner.cli.{chosen}").run()
    return status
