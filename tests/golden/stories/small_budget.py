"""Other APIs hold nearly all connections of the database: the pool may not grow, until one of them lets go."""

from dataclasses import replace

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _let_go(world: World) -> None:
    world.api = replace(world.api, others_connections=40)


STORY = Story(
    title="A budget that is too small: a starved pool may not grow beyond what others leave.",
    begins=lambda: World(api=Api(rps=92, others_connections=82), deployment=Deployment(replicas=2, pool=2)),
    ticks=44,
    events=(Event(tick=12, what="another API gives 42 connections back", happens=_let_go),),
)
