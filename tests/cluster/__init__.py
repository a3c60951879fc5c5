"""
A Kubernetes cluster of one machine, without containers, root or anything installed: for tests, the demo, and trying things by hand.

Reading order: binaries (the programs, built once), local (the whole), credentials, control_plane, prometheus, postgres (the
parts), programs and supervisor (how processes are started, and why none stays behind), node (a kubelet whose containers are processes).

By hand: `make cluster`. In a test: `with LocalCluster.start() as cluster:`, or the fixtures `cluster` and `namespace`.
"""

from cluster.local import LocalCluster
from cluster.programs import ClusterError

__all__ = ["ClusterError", "LocalCluster"]
