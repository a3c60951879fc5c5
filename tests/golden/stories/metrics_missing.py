"""Prometheus goes down while an API is starved, comes back without its query times, then whole: nothing is done on what is not known."""

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World


def _down(world: World) -> None:
    world.answers = False


def _half(world: World) -> None:
    world.answers, world.absent = True, {"query_mean_s": "NoSeries"}


def _whole(world: World) -> None:
    world.absent = {}


STORY = Story(
    title="Metrics go missing and come back: until then everything stays as it is.",
    begins=lambda: World(api=Api(rps=92), deployment=Deployment(replicas=2, pool=2)),
    ticks=40,
    events=(
        Event(tick=1, what="Prometheus is down", happens=_down),
        Event(tick=9, what="Prometheus is back, but for the time of queries", happens=_half),
        Event(tick=14, what="everything is there again", happens=_whole),
    ),
)
