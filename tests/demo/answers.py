"""What one request took as its client felt it, and what many took."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request and what came of it."""

    t: float
    """When it was due, in seconds since the epoch."""
    latency_s: float
    """From when it was due to the last byte of the answer, or to giving up."""
    sent_late_s: float
    """How much of that is the generator's own delay: if this is not small, the generator was too slow to be believed."""
    status: int
    """0 where there was no answer."""
    failed: bool
    """No answer, or one of 500 and above."""
    route: str
    pod: str

    def line(self) -> str:
        """As one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"


def read_answers(file: Path, *, since: float = -math.inf, until: float = math.inf) -> Iterator[Answer]:
    """Read the requests that were due from *since* to before *until*; a last line that is still being written is left out."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n") and since <= (answer := Answer(**json.loads(line))).t < until:
                yield answer


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest of *values* that at least *percent* % of them do not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What many requests took; a failed request counts with the time until it failed."""

    count: int
    failed: int
    p50_s: float
    p95_s: float
    p99_s: float
    sent_late_p99_s: float

    def __str__(self) -> str:
        p50, p95, p99 = (round(value * 1000) if math.isfinite(value) else "-" for value in (self.p50_s, self.p95_s, self.p99_s))
        return f"{self.count} requests, {self.failed} failed, p50/p95/p99 {p50}/{p95}/{p99} ms"


def summarize(answers: Iterable[Answer]) -> Summary:
    """Add up *answers*."""
    seen = list(answers)
    latencies = sorted(answer.latency_s for answer in seen)
    return Summary(
        count=len(seen),
        failed=sum(answer.failed for answer in seen),
        p50_s=percentile(latencies, 50),
        p95_s=percentile(latencies, 95),
        p99_s=percentile(latencies, 99),
        sent_late_p99_s=percentile([answer.sent_late_s for answer in seen], 99),
    )
