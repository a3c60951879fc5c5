"""Out of CPU, and a second worker would not fit the memory of a pod: pods it must be."""

from golden.api import MIB, Api
from golden.rollout import Deployment
from golden.story import Story
from golden.world import World

STORY = Story(
    title="Memory limits the workers: a pod has room for one, so CPU can only come with pods.",
    begins=lambda: World(
        api=Api(rps=190, cpu_s=0.009, worker_bytes=250 * MIB),
        deployment=Deployment(replicas=2, pool=8),
    ),
    ticks=40,
)
