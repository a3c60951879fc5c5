"""The operator is restarted in the middle of a change: it finds the intention in the status, and goes on with it."""

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _restarted(world: World) -> None:
    world.restarting = True


STORY = Story(
    title="Restarts in the middle of a change: the intention stands in the status, and is neither lost nor repeated.",
    begins=lambda: World(api=Api(rps=92), deployment=Deployment(replicas=4, pool=1)),
    ticks=40,
    events=tuple(Event(tick=tick, what="the operator is restarted", happens=_restarted) for tick in (4, 5, 7, 12)),
)
