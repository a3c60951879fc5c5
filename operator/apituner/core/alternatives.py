"""What else was looked at, and why it fell."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from apituner.core.configuration import Configuration, Knob
from apituner.core.costs import price
from apituner.core.feasibility import LIMITS, NEEDS
from apituner.core.search import Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A configuration that was not chosen, and why it fell."""

    configuration: Configuration
    because: str


def rejected(within: Search, chosen: Configuration | None) -> tuple[Alternative, ...]:
    """Return at most five: the present, the next cheaper than *chosen*, and what somebody would try who turns one knob."""
    fallen: dict[Configuration, str] = {}
    for there in _obvious(within, chosen):
        if there != chosen and there not in fallen and (there == within.problem.here or _allowed(within, there)):
            fallen[there] = _because(within, there, chosen)
    return tuple(Alternative(configuration=there, because=because) for there, because in fallen.items())


def _obvious(within: Search, chosen: Configuration | None) -> Iterator[Configuration]:
    problem, here = within.problem, within.problem.here
    yield here
    if chosen is not None:
        yield from _next_cheaper(within, chosen)
    yield replace(here, replicas=min(2 * here.replicas, within.replicas[-1]))
    workers = problem.span(Knob.WORKERS)[-1]
    yield problem.at(here.replicas, workers, max(within.pools[0], here.pool_limit))
    yield problem.at(here.replicas, here.workers, within.pools[-1])


def _next_cheaper(within: Search, chosen: Configuration) -> Iterator[Configuration]:
    """Yield the configuration with a connection less or, where there is none, with a pod less: had it sufficed, it had been the answer."""
    if chosen.pool_limit > within.pools[0]:
        yield within.problem.at(chosen.replicas, chosen.workers, chosen.pool_limit - 1)
    elif chosen.replicas > within.replicas[0]:
        yield replace(chosen, replicas=chosen.replicas - 1)


def _allowed(within: Search, there: Configuration) -> bool:
    """Whether the spec lets one get *there*: a pool out of bounds may stay as it is while pods come and go."""
    return there.replicas in within.replicas and (within.problem.allows(there) or there.same_template(within.problem.here))


def _because(within: Search, there: Configuration, chosen: Configuration | None) -> str:
    broken = within.broken(there, LIMITS) or within.broken(there, NEEDS)
    if broken is not None:
        return broken.because
    if chosen is None or not within.problem.allows(there):
        return "would do, but is outside the bounds of the spec"
    extra = price(within.problem, there).cores - price(within.problem, chosen).cores
    if extra < 0:
        return f"would do and save {-extra:.2g} cores, too little to give up processes or what was recommended"
    return f"would do, at the price of {extra:.2g} cores more"
