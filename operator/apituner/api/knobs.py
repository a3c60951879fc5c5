"""The knobs of a spec: what may be moved, how far, and through which variable."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from apituner.api.rules import Part, Rule
from apituner.api.words import Variable

REPLICAS_MOST = 1000
WORKERS_MOST = 64
POOL_MOST = 1000
ENGINES_MOST = 16

_MIN_BELOW_MAX = Rule(
    cel="self.min <= self.max",
    message="min must not exceed max: lower min or raise max",
    holds=lambda knob: knob.min <= knob.max,
)
_REPLICAS_AT_LEAST_ONE = Rule(
    cel="self >= 1",
    message="must be at least 1: a Deployment scaled to 0 counts as switched off and is left alone, so write 1 or more",
    holds=lambda replicas: replicas >= 1,
)
_POOL_HAS_A_LIMIT = Rule(
    cel="self >= 1",
    message="must be at least 1: 0 and -1 make a pool of SQLAlchemy unlimited, and no connection budget can hold an unlimited pool; "
    "write how many connections one engine of one worker may hold",
    holds=lambda size: size >= 1,
)

_Replicas = Annotated[int, Field(strict=True, le=REPLICAS_MOST), _REPLICAS_AT_LEAST_ONE]
_Workers = Annotated[int, Field(strict=True, ge=1, le=WORKERS_MOST)]
_PoolSize = Annotated[int, Field(strict=True, le=POOL_MOST), _POOL_HAS_A_LIMIT]


class ReplicasKnob(Part):
    """How many pods the Deployment may have."""

    rules: ClassVar = (_MIN_BELOW_MAX,)

    min: _Replicas
    """The fewest pods."""
    max: _Replicas
    """The most pods."""


class WorkersKnob(Part):
    """How many worker processes a pod may run, and the variable that says so to the server."""

    rules: ClassVar = (_MIN_BELOW_MAX,)

    min: _Workers
    """The fewest workers in a pod."""
    max: _Workers
    """The most workers in a pod."""
    env: Variable = "WEB_CONCURRENCY"
    """The environment variable that the server reads for its number of workers; uvicorn and gunicorn read WEB_CONCURRENCY."""


class PoolKnob(Part):
    """How many database connections one engine of one worker may hold, and the variables that say so to the API."""

    rules: ClassVar = (
        _MIN_BELOW_MAX,
        Rule(
            cel="!has(self.overflowEnv) || self.overflowEnv != self.sizeEnv",
            message="overflowEnv must differ from sizeEnv: name the variable of max_overflow, or leave overflowEnv out when there is none",
            holds=lambda pool: pool.overflow_env != pool.size_env,
        ),
    )

    min: _PoolSize
    """The fewest connections of a pool, overflow included."""
    max: _PoolSize
    """The most connections of a pool, overflow included."""
    size_env: Variable
    """The environment variable that the API reads for pool_size."""
    overflow_env: Variable | None = None
    """
    The environment variable that the API reads for max_overflow. Where it is named, the overflow is set to 0 and the size carries the
    whole pool; where it is left out, the overflow that the processes report is counted and never touched.
    """
    engines_per_worker: Annotated[int, Field(strict=True, ge=1, le=ENGINES_MOST)] = 1
    """How many engines, each with a pool of its own, one worker opens to this database."""


def _variables_differ(knobs: Any) -> bool:  # noqa: ANN401 - the class that carries the rule stands below
    if knobs.workers is None or knobs.pool is None:
        return True
    return knobs.workers.env not in (knobs.pool.size_env, knobs.pool.overflow_env)


class Knobs(Part):
    """What may be moved. A knob that is left out is never touched."""

    rules: ClassVar = (
        Rule(
            cel="has(self.replicas) || has(self.workers) || has(self.pool)",
            message="name at least one knob: replicas, workers or pool; a knob that is left out is never touched",
            holds=lambda knobs: any((knobs.replicas, knobs.workers, knobs.pool)),
        ),
        Rule(
            cel="!has(self.workers) || !has(self.pool) || (self.workers.env != self.pool.sizeEnv"
            " && (!has(self.pool.overflowEnv) || self.workers.env != self.pool.overflowEnv))",
            message="workers.env must differ from pool.sizeEnv and pool.overflowEnv: one variable cannot carry two settings, "
            "so name the variable of each",
            holds=_variables_differ,
        ),
    )

    replicas: ReplicasKnob | None = None
    """Pods: quick to move, no rollout."""
    workers: WorkersKnob | None = None
    """Processes in a pod: moved by a rollout."""
    pool: PoolKnob | None = None
    """Database connections: moved by a rollout, always inside the connection budget."""
