"""PromQL as strings: quoted values, selectors, and the few forms that our queries are made of. Pure."""

import re
from collections.abc import Iterable

# The alphabet of generated names (k8s.io/apimachinery/pkg/util/rand): without vowels and look-alikes.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
# <deployment>-<pod-template-hash>-<5 characters>; the hash is a 32 bit number, so 1 to 10 characters. The API server cuts what is before
# the 5 characters at 58, and the second dash with it: pods of a Deployment with a name of 47 to 56 characters have names of 63 without it.
_POD_OF_WORKLOAD = f"(?:(.+)-{_SAFE}{{1,10}}-{_SAFE}{{5}}|(.{{47,56}})-{_SAFE}{{6,15}})"

_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def quoted(value: str) -> str:
    """Write a PromQL string, in which no character of *value* means anything but itself."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def literal(value: str) -> str:
    """Write an RE2 pattern that matches *value* only, as Go's ``regexp.QuoteMeta`` does."""
    return _SPECIAL.sub(lambda found: "\\" + found[0], value)


def one_of(label: str, values: Iterable[str]) -> str:
    """Write a matcher for any of *values*; Prometheus anchors the pattern at both ends."""
    return f"{label}=~{quoted('|'.join(literal(value) for value in sorted(set(values))))}"


def duration(seconds: float) -> str:
    """Write a PromQL duration; Prometheus counts in milliseconds."""
    return f"{round(seconds * 1000)}ms" if seconds % 1 else f"{seconds:.0f}s"


def tagged(label: str, value: str, expression: str) -> str:
    """Give every series of *expression* a label, by which it is told apart after a union."""
    return f'label_replace({expression},"{label}",{quoted(value)},"","")'


def by_workload(aggregation: str, expression: str, *labels: str) -> str:
    """Aggregate series of pods by the Deployment that the pod's name begins with, and by *labels*."""
    named = f'label_replace({expression},"workload","$1$2","pod",{quoted(_POD_OF_WORKLOAD)})'
    return f"{aggregation} by({','.join(('namespace', 'workload', *labels))})({named})"


def union(expressions: Iterable[str]) -> str:
    """All series of all *expressions*, which must differ in a label."""
    return " or ".join(expressions)
