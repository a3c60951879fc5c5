"""Whether enough of a workload's pods were seen, long enough and lately enough: an ordered list of reasons why not. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apituner.core.snapshot import Absence, Unobserved
from apituner.ports import Target
from apituner.prometheus.choice import Numbers, named, pods
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.queries import LATE_AFTER_GAPS, LATE_AFTER_S, LEAST_SAMPLES, LEAST_WINDOW_RATIO
from apituner.prometheus.series import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One target's pods as the source counted them over the window, by the preset that it is read by."""

    target: Target
    preset: Preset
    numbers: Numbers
    window_s: float

    def of(self, count: Count) -> int:
        """Return the number of pods."""
        return pods(self.numbers, self.target, self.preset, count)

    @property
    def pods(self) -> str:
        """Name the pods for a sentence."""
        return named(self.target)


Check = Callable[[Sight], Unobserved | None]


def no_pod_counts_twice(sight: Sight) -> Unobserved | None:
    """Return an objection where two scrape jobs find the same pod, for then every sum is too large."""
    if not (twice := sight.of(Count.TWICE)):
        return None
    because = f"{twice} {sight.pods} appear twice in source {sight.target.source!r}, so sums count them twice: drop one of the scrape jobs"
    return Unobserved(reason=Absence.BAD_ANSWER, because=because)


def pods_are_still_there(sight: Sight) -> Unobserved | None:
    """Return an objection where samples have stopped to come."""
    if sight.of(Count.CURRENT):
        return None
    source, exporter = f"source {sight.target.source!r}", sight.preset.exporter
    because = f"{source} no longer scrapes the {sight.pods}: see on its targets page why, and compare the clocks"
    if pods(sight.numbers, sight.target, None, Count.SCRAPED):
        because = f"{source} scrapes the {sight.pods}, but finds {exporter} there no more: put it back, or compare the clocks"
    return Unobserved(reason=Absence.STALE, because=because)


def every_worker_is_counted(sight: Sight) -> Unobserved | None:
    """Return an objection where a pod reports one of several workers: partial figures are worse than none."""
    if not (incomplete := sight.of(Count.INCOMPLETE)):
        return None
    return Unobserved(reason=Absence.INCOMPLETE_WORKERS, because=f"{incomplete} {sight.pods} {sight.preset.one_of_several}")


def some_pod_reports(sight: Sight) -> Unobserved | None:
    """Return an objection where no pod was scraped well enough to trust a rate over the window."""
    if sight.of(Count.REPORTING):
        return None
    because = (
        f"none of {sight.of(Count.CURRENT)} {sight.pods} was scraped {LEAST_SAMPLES} times over {LEAST_WINDOW_RATIO:.0%} of the last "
        f"{sight.window_s:g} s, the last time within {LATE_AFTER_GAPS} intervals or {LATE_AFTER_S} s: wait if they are new, else scrape at "
        f"least every {sight.window_s / (LEAST_SAMPLES + 1):g} s or observe over a longer window"
    )
    return Unobserved(reason=Absence.PARTIAL_COVERAGE, because=because)


CHECKS: Sequence[Check] = (
    pods_are_still_there,
    no_pod_counts_twice,
    every_worker_is_counted,
    some_pod_reports,
)


def objection(sight: Sight) -> Unobserved | None:
    """Return the first reason why nothing of this workload can be trusted, None where it can."""
    return next((found for check in CHECKS if (found := check(sight))), None)
