"""What may be asked for as probes: their paths, the checks of readiness, and how long a pod serves on after it was told to stop."""

import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

ReadyCheck = Callable[[], Awaitable[object]]
"""Asks one thing that the API needs: it fails by an exception, or by returning False."""

# As long as a name in Kubernetes may be; it becomes a label.
_LONGEST_NAME = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """
    ``/healthz`` and ``/readyz``, answered before the application: no route, not in the OpenAPI document, not measured.

        async def database() -> None:
            connection = await asyncpg.connect(DATABASE_URL)  # of its own, see below
            try:
                await connection.execute("SELECT 1")
            finally:
                await connection.close()

        instrument(app, probes=Probes(ready={"database": database}))

    ``/healthz`` is 200 whenever the event loop answers. ``/readyz`` is 200 while the app's lifespan has started and has not ended, SIGTERM
    has not come, and all checks in *ready* hold; else 503. Its JSON names each check and its state, never why: that is in the log.

    Let a check ask for what this pod may lack and others may have. What all pods lack at once takes all of them out of service; and a check
    that takes a connection of a pool that is starved fails under load, when pods are needed most.

    On SIGTERM ``/readyz`` is 503 at once, and the server goes on serving for *drain_s*: endpoints and load balancers learn of the end
    before it comes. A second SIGTERM, or SIGINT (Ctrl-C), ends at once; so does SIGTERM before the start is over. This works where the
    server sets its function by ``signal.signal``: uvicorn with one worker or several, and gunicorn with uvicorn-worker, whose
    ``graceful_timeout`` (30 s) must be longer. gunicorn's own asgi worker, hypercorn and granian stop at once, which is logged at the
    start: use a preStop sleep there, which does the same from outside, and drain_s=0. The pod's terminationGracePeriodSeconds must hold the
    drain, the sleep, and the longest request. uvicorn stops workers by SIGTERM also to replace them (``--reload``, SIGHUP), one after the
    other: each takes the drain.

    Raises TypeError for a check that is not async, and ValueError for a limit, name or path that cannot be.
    """

    ready: Mapping[str, ReadyCheck] = field(default_factory=dict)
    """Checks by their names, run together. Names are public, and become a label of ``apituning_ready``."""
    time_limit_s: float = 1.0
    """What one check may take, in seconds; the probe's ``timeoutSeconds`` (1 by default in Kubernetes) should be more."""
    drain_s: float = 5.0
    """
    For how long to serve on after SIGTERM, in seconds; 0: not at all, where a preStop sleep does it.

    kube-proxies and ingress controllers follow a change of endpoints within a second or two; 5 s leave room for a busy control plane.
    """
    alive_path: str = "/healthz"
    ready_path: str = "/readyz"
    """Where the app has a route of that path, the probe answers, and a warning at the start says so."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name, check in self.ready.items():
            if not 0 < len(name) <= _LONGEST_NAME:
                raise ValueError(f"a ready check is named {name[:_LONGEST_NAME]!r}: give it a name of 1 to {_LONGEST_NAME} characters")
            if not (inspect.iscoroutinefunction(check) or inspect.iscoroutinefunction(type(check).__call__)):
                raise TypeError(
                    f"ready check {name!r} is not async: write it with async def (a functools.partial of that is fine, a lambda is not), "
                    "for a sync check would wait for the threads that busy handlers use"
                )
        if not 0 < self.time_limit_s < math.inf:
            raise ValueError(f"Probes.time_limit_s is {self.time_limit_s}: give a number of seconds above 0, such as 1")
        if not 0 <= self.drain_s < math.inf:
            raise ValueError(f"Probes.drain_s is {self.drain_s}: give a number of seconds, or 0 for no drain")
        paths = self.alive_path, self.ready_path
        if not all(path.startswith("/") for path in paths) or len(set(paths)) < len(paths):
            raise ValueError(f"the paths of the probes are {paths[0]!r} and {paths[1]!r}: give two different ones that begin with '/'")
