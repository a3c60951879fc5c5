"""Which preset a target is read by: the one that its spec names, else the first that its pods have; or why there is none. Pure."""

import math
from collections.abc import Callable, Mapping, Sequence

from apituner.core.snapshot import Absence, Unobserved
from apituner.core.trust import INSTRUMENT
from apituner.ports import Target
from apituner.prometheus.presets.precedence import BY_NAME, PRESETS
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.series import Count

Key = tuple[str, str, str]
"""Namespace, Deployment, and the preset's name; that is empty for what no exporter told."""
Numbers = Mapping[Key, Mapping[str, float]]
"""Counts of pods and figures, by their names."""
Check = Callable[[Target, Numbers], Unobserved | None]

# From 57 characters on the API server cuts the template's hash, and then the name itself, out of the names of the pods.
_LONGEST_DEPLOYMENT = 56


def key(target: Target, preset: Preset | None) -> Key:
    """Return under which key the samples of *target* are found."""
    return target.namespace, target.deployment, preset.name if preset is not None else ""


def pods(numbers: Numbers, target: Target, preset: Preset | None, count: Count) -> int:
    """Return a number of pods; a count without a series is one of none, and so is one that is no number, which the readout tells."""
    number = numbers.get(key(target, preset), {}).get(count, 0.0)
    return int(number) if math.isfinite(number) else 0


def there(target: Target, numbers: Numbers) -> tuple[Preset, ...]:
    """Return the presets whose marker the pods had lately, the one to prefer first."""
    return tuple(preset for preset in PRESETS if pods(numbers, target, preset, Count.SEEN))


def allowed(target: Target, numbers: Numbers) -> tuple[Preset, ...]:
    """Return those of them that the spec lets us read."""
    return tuple(preset for preset in there(target, numbers) if target.preset in (None, preset.name))


def in_play(targets: Sequence[Target], numbers: Numbers) -> Mapping[Preset, tuple[str, ...]]:
    """Return every preset that may be read of some target, and in which namespaces."""
    namespaces = {preset: tuple(one.namespace for one in targets if preset in allowed(one, numbers)) for preset in PRESETS}
    return {preset: found for preset, found in namespaces.items() if found}


def named(target: Target) -> str:
    """Name the pods for a sentence."""
    return f"pods of Deployment {target.namespace}/{target.deployment}"


def pods_can_be_told_apart(target: Target, _numbers: Numbers) -> Unobserved | None:
    """Return an objection where the name of a pod no longer holds that of its Deployment."""
    if len(target.deployment) <= _LONGEST_DEPLOYMENT:
        return None
    because = f"Kubernetes cuts the names of the {named(target)}: give the Deployment a name of at most {_LONGEST_DEPLOYMENT} characters"
    return Unobserved(reason=Absence.NO_SERIES, because=because)


def pods_have_an_exporter(target: Target, numbers: Numbers) -> Unobserved | None:
    """Return an objection, and the way to be seen, where no pod ever had an exporter that we know."""
    if there(target, numbers):
        return None
    if scraped := pods(numbers, target, None, Count.SCRAPED):
        known = ", ".join(preset.exporter for preset in PRESETS)
        because = (
            f"source {target.source!r} scrapes {scraped} {named(target)}, but finds no exporter that is known ({known}; "
            f"some show nothing before the first request): add `{INSTRUMENT}` to the API and let Prometheus scrape its port 9464"
        )
        return Unobserved(reason=Absence.NO_SERIES, because=because)
    because = (
        f"source {target.source!r} has no series from {named(target)}: add `{INSTRUMENT}` to the API, annotate its pods with "
        'prometheus.io/scrape: "true", prometheus.io/port: "9464" and prometheus.io/path: "/metrics", and let Prometheus set the labels '
        "namespace and pod"
    )
    return Unobserved(reason=Absence.NO_SERIES, because=because)


def the_preset_of_the_spec_is_there(target: Target, numbers: Numbers) -> Unobserved | None:
    """Return an objection where the pods do not have the exporter that the spec names, but another."""
    if target.preset is None or allowed(target, numbers):
        return None
    wanted, found = BY_NAME[target.preset], there(target, numbers)
    held = " and ".join(preset.exporter for preset in found)
    because = (
        f"source {target.source!r} has no series of {wanted.exporter} from {named(target)}, but those of {held}: "
        f"write {found[0].name} or Auto in spec.metrics.preset, or add {wanted.exporter} to the API"
    )
    return Unobserved(reason=Absence.PRESET_NOT_FOUND, because=because)


CHECKS: Sequence[Check] = (pods_can_be_told_apart, pods_have_an_exporter, the_preset_of_the_spec_is_there)


def choose(target: Target, numbers: Numbers) -> Preset | Unobserved:
    """Return the preset to read, or the first reason why there is none; one that nobody scrapes any more yields to one that is scraped."""
    if objection := next((found for check in CHECKS if (found := check(target, numbers))), None):
        return objection
    candidates = allowed(target, numbers)
    return next((preset for preset in candidates if pods(numbers, target, preset, Count.CURRENT)), candidates[0])
