"""Amounts of CPU and memory, as manifests state them."""

import math
import os
from decimal import Decimal

from cluster.node.api import Manifest

SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


def quantity(text: str) -> Decimal:
    """The number that *text* ("500m", "1.5", "64Mi") stands for, in cores or bytes."""
    number = text.rstrip("numkKMGTPEi")
    return Decimal(number) * SUFFIXES.get(text[len(number) :], Decimal(1))


def cpu_limit(container: Manifest) -> float | None:
    """The cores that *container* may use, None for as many as there are."""
    stated = container.get("resources", {}).get("limits", {}).get("cpu")
    return None if stated is None else float(quantity(stated))


def resource_field(reference: Manifest, container: Manifest) -> str:
    """The value of a resourceFieldRef: in units of its divisor, rounded up; the machine's own where *container* states none."""
    group, _, resource = reference["resource"].partition(".")
    stated = container.get("resources", {}).get(group, {}).get(resource)
    if stated is None:
        machine = {"cpu": os.cpu_count() or 1, "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")}
        stated = str(machine.get(resource, 0)) if group == "limits" else "0"
    divisor = quantity(reference.get("divisor", "1"))
    return str(math.ceil(quantity(stated) / (divisor or 1)))
