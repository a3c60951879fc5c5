"""
The rollout of a Deployment as Kubernetes' controller does it, with every delay in the hands of an adversary.

The rules are those of pkg/controller/deployment (rolling.go, recreate.go): never more than replicas + maxSurge pods that are not
terminating, never fewer than replicas - maxUnavailable available ones, and a pod is available when it has been ready for
minReadySeconds. What the rules leave open is arbitrary: when the controller looks, how much of what is allowed it does, how long a pod
starts, and when within its limit a terminating pod exits.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from apituner.core.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Mix:
    """The pods at one instant; ages in whole seconds."""

    old: int
    """Old pods that are not terminating."""
    made: tuple[int, ...] = ()
    """New pods, each with for how long it has been ready; -1 where it is not."""
    ending: tuple[int, ...] = ()
    """Terminating old pods, each with for how long it has been."""

    def connections(self, old: int, new: int) -> int:
        """The connections that all of them may hold."""
        return (self.old + len(self.ending)) * old + len(self.made) * new


@dataclass(frozen=True, slots=True)
class Controller:
    """The Deployment controller, replacing *pods* pods."""

    pods: int
    strategy: Strategy

    def may_make(self, mix: Mix) -> int:
        """How many new pods it may make now."""
        if self.strategy.recreate:
            return 0 if mix.old or mix.ending else self.pods - len(mix.made)
        return max(0, min(self.pods + self.strategy.surge(self.pods) - mix.old - len(mix.made), self.pods - len(mix.made)))

    def may_stop(self, mix: Mix) -> int:
        """How many old pods it may delete now."""
        if self.strategy.recreate:
            return mix.old
        available = sum(age >= max(0, self.strategy.apart_s) for age in mix.made)
        return max(0, min(mix.old, mix.old + available - (self.pods - self.strategy.unavailable(self.pods))))

    def every_next(self, mix: Mix) -> Iterator[Mix]:
        """
        Yield what one move makes of *mix*: one pod made, one stopped, or a second passed.

        New pods are ready at once and terminating ones stay to the end: a controller that may wait as long as it likes can do with these
        whatever it could do with slower starts, and an earlier exit only frees connections.
        """
        if self.may_make(mix):
            yield Mix(mix.old, tuple(sorted((*mix.made, 0))), mix.ending)
        if self.may_stop(mix):
            yield Mix(mix.old - 1, mix.made, tuple(sorted((*mix.ending, 0))))
        ready = int(self.strategy.apart_s)
        yield Mix(
            mix.old,
            tuple(sorted(min(age + 1, ready) for age in mix.made)),
            tuple(sorted(age + 1 for age in mix.ending if age < self.strategy.ends_within_s)),
        )

    def dearest(self, old: int, new: int) -> int:
        """Return the most connections in any mix that any sequence of moves can lead to."""
        seen, open_ = {Mix(self.pods)}, [Mix(self.pods)]
        while open_:
            for there in self.every_next(open_.pop()):
                if there not in seen:
                    seen.add(there)
                    open_.append(there)
        return max(mix.connections(old, new) for mix in seen)

    def story(self, dice: random.Random) -> Iterator[Mix]:
        """Yield the mixes of one rollout, second by second and move by move, every delay thrown with *dice*."""
        mix, eager, quick, brief = Mix(self.pods), dice.random(), dice.random(), dice.random()
        for _ in range(400):
            yield mix
            while dice.random() < eager and (make := self.may_make(mix)):
                mix = Mix(mix.old, (*mix.made, *[-1] * dice.randint(1, make)), mix.ending)
                yield mix
            mix = Mix(mix.old, tuple(0 if age < 0 and dice.random() < quick else age for age in mix.made), mix.ending)
            while dice.random() < eager and (stop := self.may_stop(mix)):
                gone = dice.randint(1, stop)
                mix = Mix(mix.old - gone, mix.made, (*mix.ending, *[0] * gone))
                yield mix
            if not mix.old and not mix.ending and len(mix.made) == self.pods:
                return
            ending = tuple(age + 1 for age in mix.ending if age < self.strategy.ends_within_s and dice.random() >= brief / 4)
            mix = Mix(mix.old, tuple(age + 1 if age >= 0 else age for age in mix.made), ending)
