"""From the spec of an ApiTuning to the core's target and policy."""

from dataclasses import dataclass, replace

from apituner.api.apituning import ApiTuningSpec, Preset
from apituner.core.configuration import Knob
from apituner.core.policy import Bounds, ConnectionLimit, Mode, Objective, Policy
from apituner.core.workload import SettingName
from apituner.ports import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What a user asks for: whom to tune, how, and out of which budget."""

    target: Target
    policy: Policy
    budget: tuple[str, str] | None
    """Namespace and name of the connection budget."""

    def limited(self, limit: ConnectionLimit | None) -> Policy:
        """Return the policy under *limit*."""
        return replace(self.policy, connection_limit=limit)


def intent(namespace: str, name: str, spec: ApiTuningSpec, *, stabilization_s: float) -> Intent:
    """Translate *spec*; units become seconds and shares."""
    objective = Objective(
        percentile=spec.objective.latency.percentile,
        latency_s=spec.objective.latency.milliseconds / 1000,
        error_ratio=spec.objective.max_error_percent / 100,
    )
    knobs, variables = spec.knobs, dict[SettingName, str]()
    bounds: dict[Knob, Bounds] = {}
    if knobs.replicas is not None:
        bounds[Knob.REPLICAS] = Bounds(least=knobs.replicas.min, most=knobs.replicas.max)
    if knobs.workers is not None:
        bounds[Knob.WORKERS] = Bounds(least=knobs.workers.min, most=knobs.workers.max)
        variables[SettingName.WORKERS] = knobs.workers.env
    if knobs.pool is not None:
        bounds[Knob.POOL] = Bounds(least=knobs.pool.min, most=knobs.pool.max)
        variables[SettingName.POOL_SIZE] = knobs.pool.size_env
        if knobs.pool.overflow_env is not None:
            variables[SettingName.MAX_OVERFLOW] = knobs.pool.overflow_env
    takes_fields = spec.rollout.on_conflict == "Take"
    engines = knobs.pool.engines_per_worker if knobs.pool is not None else 1
    target = Target(
        namespace=namespace,
        name=name,
        deployment=spec.target_ref.name,
        container=spec.container_name,
        variables=tuple(variables.items()),
        objective=objective,
        source=spec.metrics.source,
        preset=None if spec.metrics.preset is Preset.AUTO else str(spec.metrics.preset),
        engines_per_worker=engines,
        takes_fields=takes_fields,
    )
    policy = Policy(
        mode=Mode(spec.mode),
        suspended=spec.suspend,
        objective=objective,
        knobs=bounds,
        sets_overflow=SettingName.MAX_OVERFLOW in variables,
        engines_per_worker=engines,
        connection_limit=None,
        takes_fields=takes_fields,
        cooldown_s=spec.rollout.cooldown_seconds,
        changes_per_day=spec.rollout.max_per_day,
        stabilization_s=stabilization_s,
    )
    ref = spec.connection_budget_ref
    budget = (ref.namespace or namespace, ref.name) if ref is not None else None
    return Intent(target=target, policy=policy, budget=budget)
