"""What the harness says while it works."""

import sys


def narrate(line: str) -> None:
    """Say *line* on stderr at once: stdout belongs to whoever asked for the cluster."""
    print(line, file=sys.stderr, flush=True)
