"""Looks on while the story runs: connections as the database counts them, and what the objects say."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import asyncpg

from cluster.programs import ClusterError

_CONNECTIONS_EVERY_S = 0.25
_OBJECTS_EVERY_S = 1.0
_COUNT = "select count(*) from pg_stat_activity where application_name = 'orders'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One figure at one time, in seconds since the epoch."""

    t: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the objects said at one time."""

    t: float
    replicas: int
    settings: dict[str, str]
    """The container's literal variables."""
    generation: int
    template: str
    """The container's command and variables: a new one is a rollout."""
    status: dict[str, Any]
    """Of the ApiTuning; empty before it is there."""


@dataclass(slots=True)
class Witness:
    """Samples in threads of its own while the context is entered; *failures* says what could not be sampled."""

    dsn: str
    kubectl: Callable[..., str]
    connections: list[Sample] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for target in (self._count_connections, self._look_at_objects):
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def status(self) -> dict[str, Any]:
        """Return the ApiTuning's newest status."""
        return self.seen[-1].status if self.seen else {}

    def _count_connections(self) -> None:
        asyncio.run(self._counting())

    async def _counting(self) -> None:
        connection = await asyncpg.connect(self.dsn, server_settings={"application_name": "witness"})
        try:
            while not self._stop.is_set():
                count = await connection.fetchval(_COUNT)
                self.connections.append(Sample(t=time.time(), value=count))
                await asyncio.sleep(_CONNECTIONS_EVERY_S)
        except (OSError, asyncpg.PostgresError) as error:
            self.failures.append(f"connections: {error}")
        finally:
            await connection.close()

    def _look_at_objects(self) -> None:
        while not self._stop.is_set():
            try:
                self.seen.append(self._look())
            except (ClusterError, OSError, KeyError, ValueError, StopIteration) as error:
                self.failures.append(f"objects: {error}")
            self._stop.wait(_OBJECTS_EVERY_S)

    def _look(self) -> Seen:
        found = json.loads(self.kubectl("get", "deployments.apps,apitunings.apituner.dev", "-n", "shop", "-o", "json"))
        deployment = next(one for one in found["items"] if one["kind"] == "Deployment")
        tuning: dict[str, Any] = next((one for one in found["items"] if one["kind"] == "ApiTuning"), {})
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        settings = {one["name"]: one["value"] for one in container.get("env", ()) if "value" in one}
        return Seen(
            t=time.time(),
            replicas=deployment["spec"]["replicas"],
            settings=settings,
            generation=deployment["metadata"]["generation"],
            template=json.dumps([container.get("command"), container.get("args"), container.get("env")], sort_keys=True),
            status=tuning.get("status") or {},
        )
