"""The command line: one file a command. ``apituner run`` is the operator."""

import argparse
import sys
from collections.abc import Sequence

from apituner.cli import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="apituner", description="Keeps FastAPI services inside their latency objective at the least cost."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the operator; its settings come from the environment").set_defaults(call=run.run)
    chosen = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    status: int = chosen.call()
    return status
