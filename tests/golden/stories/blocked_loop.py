"""One request in twelve holds the loop for a fifth of a second without using CPU; CPU alone would say that all is well."""

from dataclasses import replace

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _release(world: World) -> None:
    world.api = replace(world.api, blocking_share=0.08)


STORY = Story(
    title="A blocked loop: a release calls something synchronous inside an async route.",
    begins=lambda: World(api=Api(rps=60), deployment=Deployment(replicas=4, pool=8)),
    ticks=32,
    events=(Event(tick=8, what="the release", happens=_release),),
)
