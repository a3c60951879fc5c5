"""``make demo``: the story on a cluster of its own; exit status 0 only if all of it was seen."""

import json
import sys
from pathlib import Path

from cluster import LocalCluster
from demo.narrator import Narrator
from demo.story import NotSeenError, tell


def main() -> int:
    """Start a cluster, tell the story, leave its result and report in build/demo."""
    build = Path("build/demo")
    build.mkdir(parents=True, exist_ok=True)
    for stale in ("result.json", "report.html"):
        (build / stale).unlink(missing_ok=True)
    narrator = Narrator()
    narrator.say("starting a control plane, Prometheus and PostgreSQL (about 15 s)")
    with LocalCluster.start() as cluster:
        try:
            result = tell(cluster, narrator, build)
        except NotSeenError as error:
            narrator.say(f"NOT SEEN: {error}")
            narrator.show(cluster.kubectl("get", "apitunings", "-n", "shop", "-o", "yaml", check=False))
            for name, _ in cluster.ready_pods("apituner", ""):
                narrator.show(cluster.logs("apituner", name)[-4000:])
            return 1
    narrator.say("all of it was seen; build/demo/report.html has the pictures")
    print(json.dumps(result, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
