"""``apituner decide``: the brain as a filter, JSON lines in and one answer line each out."""

import signal
import sys

from apituner.cli.filter.brain import Brain
from apituner.cli.filter.lines import lines


def run() -> int:
    """Answer every line of stdin until it ends: 0. Who stops listening, or presses Ctrl-C, ends it without a word."""
    for number in (signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    brain, out = Brain(), sys.stdout.buffer
    for line in lines(sys.stdin.buffer):
        out.write(brain.answer(line) + b"\n")
        out.flush()
    return 0
