"""A database beyond its knee: every statement takes longer the more run at once, and a larger pool would make it worse."""

from dataclasses import replace

from golden.api import Api, Database
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _index_dropped(world: World) -> None:
    world.api = replace(world.api, database=replace(world.api.database, query_s=0.05))


STORY = Story(
    title="A saturated database: an index is dropped, statements queue inside the database, and so the pool waits.",
    begins=lambda: World(
        api=Api(rps=100, database=Database(contention=0.05, coherency=0.004)),
        deployment=Deployment(replicas=3, pool=6),
    ),
    ticks=32,
    events=(Event(tick=8, what="the index is dropped", happens=_index_dropped),),
)
