"""One of four pods never turns ready: that is no lack of capacity to be bought elsewhere, and its share is missing from every sum."""

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _crash(world: World) -> None:
    world.deployment.crashing = 1


def _mended(world: World) -> None:
    world.deployment.crashing = 0


STORY = Story(
    title="A pod that crashes again and again, until it is mended.",
    begins=lambda: World(api=Api(rps=285, cpu_s=0.009), deployment=Deployment(replicas=4, pool=8)),
    ticks=36,
    events=(
        Event(tick=6, what="one pod begins to crash", happens=_crash),
        Event(tick=22, what="it is mended", happens=_mended),
    ),
)
