"""Whether enough of a workload's pods were seen, long enough and lately enough: an ordered list of reasons why not. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from apituner.core.snapshot import Absence, Unobserved
from apituner.ports import Target
from apituner.prometheus.queries import LATE_AFTER_GAPS, LATE_AFTER_S, LEAST_SAMPLES, LEAST_WINDOW_RATIO
from apituner.prometheus.series import Count

# From 57 characters on the API server cuts the template's hash, and then the name itself, out of the names of the pods.
_LONGEST_DEPLOYMENT = 56

Counts = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One target's pods as the source counted them over the window."""

    target: Target
    counts: Counts
    window_s: float

    def of(self, count: Count) -> int:
        """Return the number of pods; a count without a series is one of none."""
        return int(self.counts.get(count, 0))

    @property
    def pods(self) -> str:
        """Name the pods for a sentence."""
        return f"pods of Deployment {self.target.namespace}/{self.target.deployment}"


Check = Callable[[Sight], Unobserved | None]


def pods_can_be_told_apart(sight: Sight) -> Unobserved | None:
    """Return an objection where the name of a pod no longer holds that of its Deployment."""
    if len(sight.target.deployment) <= _LONGEST_DEPLOYMENT:
        return None
    because = f"Kubernetes cuts the names of the {sight.pods}: give the Deployment a name of at most {_LONGEST_DEPLOYMENT} characters"
    return Unobserved(reason=Absence.NO_SERIES, because=because)


def no_pod_counts_twice(sight: Sight) -> Unobserved | None:
    """Return an objection where two scrape jobs find the same pod, for then every sum is too large."""
    if not (twice := sight.of(Count.TWICE)):
        return None
    because = f"{twice} {sight.pods} appear twice in source {sight.target.source!r}, so sums count them twice: drop one of the scrape jobs"
    return Unobserved(reason=Absence.BAD_ANSWER, because=because)


def pods_are_known(sight: Sight) -> Unobserved | None:
    """Return an objection, and the way to be seen, where no pod ever was."""
    if sight.of(Count.SEEN):
        return None
    because = (
        f"source {sight.target.source!r} has no series apituning_workers from {sight.pods}: add `from apituner.fastapi import instrument; "
        'instrument(app, engine=engine)` to the API, annotate its pods with prometheus.io/scrape: "true", prometheus.io/port: "9464" and '
        'prometheus.io/path: "/metrics", and let Prometheus set the labels namespace and pod'
    )
    return Unobserved(reason=Absence.NO_SERIES, because=because)


def pods_are_still_there(sight: Sight) -> Unobserved | None:
    """Return an objection where samples have stopped to come."""
    if sight.of(Count.CURRENT):
        return None
    because = f"source {sight.target.source!r} no longer scrapes the {sight.pods}: see on its targets page why, and compare the clocks"
    return Unobserved(reason=Absence.STALE, because=because)


def every_worker_is_counted(sight: Sight) -> Unobserved | None:
    """Return an objection where a pod reports one of several workers: partial figures are worse than none."""
    if not (incomplete := sight.of(Count.INCOMPLETE)):
        return None
    because = (
        f"{incomplete} {sight.pods} run several workers but report one of them (apituning_metrics_complete is 0): "
        "set PROMETHEUS_MULTIPROC_DIR to an empty writable folder in the container"
    )
    return Unobserved(reason=Absence.INCOMPLETE_WORKERS, because=because)


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
    pods_can_be_told_apart,
    pods_are_known,
    pods_are_still_there,
    no_pod_counts_twice,
    every_worker_is_counted,
    some_pod_reports,
)


def objection(sight: Sight) -> Unobserved | None:
    """Return the first reason why nothing of this workload can be trusted, None where it can."""
    return next((found for check in CHECKS if (found := check(sight))), None)
