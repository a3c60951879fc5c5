"""A service behind it takes 400 ms: no knob of this API makes that faster, and more pods would only wait side by side."""

from dataclasses import replace

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _slow(world: World) -> None:
    world.api = replace(world.api, external_s=0.4)


STORY = Story(
    title="A slow service behind it: payments answers in 400 ms.",
    begins=lambda: World(api=Api(rps=60, external_s=0.01), deployment=Deployment(replicas=3, pool=6)),
    ticks=32,
    events=(Event(tick=8, what="payments becomes slow", happens=_slow),),
)
