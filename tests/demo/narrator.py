"""Says what the story is doing, with the seconds since its start, and keeps what it said for the report."""

import sys
import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something worth marking in the pictures."""

    t: float
    """Seconds since the epoch."""
    text: str


@dataclass(slots=True)
class Narrator:
    """Prints and remembers."""

    began: float = field(default_factory=time.time)
    marks: list[Mark] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Print one line."""
        print(f"[{time.time() - self.began:5.0f} s] {text}", file=sys.stderr, flush=True)

    def mark(self, text: str) -> None:
        """Print one line, and mark the moment in the pictures."""
        self.marks.append(Mark(t=time.time(), text=text))
        self.say(text)

    def show(self, text: str) -> None:
        """Print what a command printed, indented."""
        for line in text.rstrip().splitlines():
            print(f"          {line}", file=sys.stderr, flush=True)
