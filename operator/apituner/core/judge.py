"""What came of a change: better, no better or worse than before, compared at like load and by whole windows of its own pods."""

from dataclasses import dataclass
from datetime import timedelta

from apituner.core.change import Change, Figures, Outcome, to_millis
from apituner.core.diagnosis import caller_latency_s, missed_because
from apituner.core.policy import Policy
from apituner.core.snapshot import Signal, Snapshot

# Arrivals within a fifth of what they were are the same load; up to twice or half of it the model may say what was to be expected.
_LIKE = 0.20
_SCALED = 2.0
_WAITS_FOR_LIKE_LOAD = timedelta(minutes=10)
# Better by a tenth is more than a steady API's figures flicker. Worse costs a rollout to undo, so it must be more than a model errs (15 %)
# and a window flickers (10 %) together, and be seen in a second whole window: the first may hold the last pod's cold start.
_BETTER = 0.90
_WORSE = 1.25
_WORSE_WINDOWS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Not to be judged yet."""

    because: str
    retry_after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What came of a change, and the numbers that say so."""

    outcome: Outcome
    because: str
    latency_s: float
    """The objective's percentile as seen, in whole milliseconds."""


def judge(change: Change, seen: Snapshot, policy: Policy, *, expected_s: float | None = None) -> Waiting | Judgement:
    """
    Compare what is *seen* with what was seen before *change*, which is in force since ``settled_at``.

    *expected_s* is what the model says the configuration of before would give at the load of now; None where it may not be asked.
    Where the load was not alike for ten minutes the change is kept without a judgement.
    """
    latency_s = to_millis(caller_latency_s(seen, policy))
    before, since = change.seen_before, change.settled_at or change.at
    if before is None:
        return Judgement(outcome=Outcome.APPLIED, because="nothing was seen before it to compare with", latency_s=latency_s)
    age = seen.taken_at - since
    window = timedelta(seconds=seen.window_s)
    if age < window:
        return _waiting("its pods have not been seen for a whole window yet", window - age)
    missed, measure_s = missed_because(seen, policy), _measure_s(before, seen, expected_s)
    if measure_s is None:
        now = f"p{policy.objective.percentile:g} is {latency_s * 1e3:.0f} ms"
        # An API that was short of something serves more once it is not: meeting the objective at more load needs no comparison.
        if missed is None and seen[Signal.REQUESTS_RPS] > before.arrivals_rps:
            because = f"{now}, within the objective, at more load than before"
            return Judgement(outcome=Outcome.IMPROVED, because=because, latency_s=latency_s)
        return _unlike(before, seen, latency_s, age)
    return _compared(before, measure_s, seen, policy, age)


def _compared(before: Figures, measure_s: float, seen: Snapshot, policy: Policy, age: timedelta) -> Waiting | Judgement:
    """Compare at like load, where *measure_s* is what the configuration of before gave, or would have."""
    missed, latency_s = missed_because(seen, policy), to_millis(caller_latency_s(seen, policy))
    because = f"p{policy.objective.percentile:g} is {latency_s * 1e3:.0f} ms, {measure_s * 1e3:.0f} ms before at like load"
    errors = seen[Signal.ERRORS_RATIO]
    fails_more = errors > before.errors_ratio + policy.objective.error_ratio
    if fails_more:
        because += f"; {errors:.1%} of requests fail, {before.errors_ratio:.1%} before"
    if missed is not None and (fails_more or latency_s > _WORSE * measure_s):
        left = _WORSE_WINDOWS * timedelta(seconds=seen.window_s) - age
        if left > timedelta(0):
            return _waiting(f"it looks worse ({because}); a second window will tell", left)
        return Judgement(outcome=Outcome.WORSE, because=because, latency_s=latency_s)
    better = missed is None or (not fails_more and latency_s <= _BETTER * measure_s)
    return Judgement(outcome=Outcome.IMPROVED if better else Outcome.NO_BETTER, because=because, latency_s=latency_s)


def _waiting(because: str, left: timedelta) -> Waiting:
    return Waiting(because=because, retry_after_s=left.total_seconds())


def _measure_s(before: Figures, seen: Snapshot, expected_s: float | None) -> float | None:
    """Return the latency that before had, or would have, at the load of now; None where the loads cannot be compared."""
    arrivals_rps = seen[Signal.REQUESTS_RPS]
    more = arrivals_rps > before.arrivals_rps
    if abs(arrivals_rps - before.arrivals_rps) <= _LIKE * before.arrivals_rps:
        # A little more load can be much more latency where a station is nearly full: not this change's fault.
        return max(before.latency_s, expected_s) if more and expected_s is not None else before.latency_s
    alike_enough = before.arrivals_rps / _SCALED <= arrivals_rps <= before.arrivals_rps * _SCALED
    return expected_s if alike_enough else None


def _unlike(before: Figures, seen: Snapshot, latency_s: float, age: timedelta) -> Waiting | Judgement:
    because = f"{seen[Signal.REQUESTS_RPS]:.0f} requests per second cannot be compared with {before.arrivals_rps:.0f} before"
    left = _WAITS_FOR_LIKE_LOAD - age
    if left > timedelta(0):
        return _waiting(because, left)
    return Judgement(outcome=Outcome.APPLIED, because=f"{because}: kept", latency_s=latency_s)


def figures(seen: Snapshot, policy: Policy) -> Figures:
    """Return what a change that is decided on now will be compared with."""
    return Figures.rounded(
        arrivals_rps=seen[Signal.REQUESTS_RPS],
        latency_s=caller_latency_s(seen, policy),
        errors_ratio=seen[Signal.ERRORS_RATIO],
    )
