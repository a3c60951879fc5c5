"""A story: a world, what happens to it and when, and the lines and answers that come of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golden.world import World

Ask = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives a line to ``apituner decide`` and returns its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens to the world before a tick, and how it is told."""

    tick: int
    what: str
    happens: Callable[[World], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story, to be told from its beginning as often as one likes."""

    title: str
    begins: Callable[[], World]
    ticks: int
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One tick: what happened before it, what was asked, what was answered."""

    happened: tuple[str, ...]
    asked: Mapping[str, Any]
    answered: Mapping[str, Any]


def played(story: Story, ask: Ask) -> Iterator[Moment]:
    """Play *story* before whoever answers *ask*."""
    world = story.begins()
    for tick in range(story.ticks):
        due = [event for event in story.events if event.tick == tick]
        for event in due:
            event.happens(world)
        world.tick()
        asked = world.line()
        answered = ask(asked)
        if "error" in answered:
            raise AssertionError(f"{story.title}, tick {tick}: {answered['error']}")
        world.take(answered)
        yield Moment(happened=tuple(event.what for event in due), asked=asked, answered=answered)
