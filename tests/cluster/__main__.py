"""`make cluster`: one cluster to try things in, until Ctrl-C."""

import signal
import sys
from types import FrameType

from cluster import ClusterError, LocalCluster
from cluster.binaries import BuildFailed


def main() -> None:
    """Start one, say how to reach it, and wait."""
    # Whoever asks us to end, politely, gets an orderly end; for the rest there is the supervisor. SIGINT is among them, as a shell
    # starts its background jobs with that one ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    try:
        with LocalCluster.start() as cluster:
            print(f"export KUBECONFIG='{cluster.kubeconfig}'")
            print(f"export PROMETHEUS_URL='{cluster.prometheus.url}'")
            print(f"export DATABASE_URL='{cluster.postgres.dsn()}'")
            print("# Ctrl-C ends the cluster and removes all of it.", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        print("# The cluster is gone.")
    except (ClusterError, BuildFailed) as failure:
        sys.exit(str(failure))


def interrupted(_number: int, _frame: FrameType | None) -> None:
    """End as on Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
