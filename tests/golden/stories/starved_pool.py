"""Two pods with two connections each, of which nearly all are always out: the pool grows, and then the latency shows it."""

from golden.api import Api
from golden.rollout import Deployment
from golden.story import Story
from golden.world import World

STORY = Story(
    title="A starved pool: most of the latency is spent waiting for a connection.",
    begins=lambda: World(api=Api(rps=92), deployment=Deployment(replicas=2, pool=2)),
    ticks=40,
)
