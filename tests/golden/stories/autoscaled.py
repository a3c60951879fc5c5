"""A HorizontalPodAutoscaler owns the replicas and sees idle CPU: the pool is what starves, and only the pool is ours to move."""

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Event, Story
from golden.world import World, a_spec

_SCALER = {"kind": "HorizontalPodAutoscaler", "name": "orders", "minReplicas": 2, "maxReplicas": 6}


def _given_up(world: World) -> None:
    world.spec = a_spec(replicas=None)


STORY = Story(
    title="An autoscaler owns the replicas: named as a knob too they are in dispute; left out, the pool alone is moved.",
    begins=lambda: World(api=Api(rps=92), deployment=Deployment(replicas=2, pool=2, autoscaler=dict(_SCALER))),
    ticks=40,
    events=(Event(tick=8, what="the spec leaves replicas to the autoscaler", happens=_given_up),),
)
