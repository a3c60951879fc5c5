"""A line's Deployment as the core's Workload."""

from apituner.cli.filter.deployed import AutoscalerPart, DeploymentPart, SettingPart
from apituner.core.strategy import Strategy
from apituner.core.workload import Autoscaler, Setting, SettingSource, Workload
from apituner.ports import Target

_UNSAID = SettingPart(source=SettingSource.DEFAULT)


def workload(told: DeploymentPart, target: Target) -> Workload:
    """
    Return the Workload, without what a line cannot tell: when the newest template was rolled out, and when we last wrote.

    A setting that a knob names and the line does not is one of which the template says nothing.
    """
    resources = told.resources
    return Workload(
        replicas=told.replicas,
        ready_replicas=told.ready_replicas,
        updated_replicas=told.updated_replicas,
        # A pod that is ready and not yet available for minReadySeconds is counted twice, and keeps the Deployment unsettled, as it should.
        total_replicas=max(told.updated_replicas, told.ready_replicas + told.unavailable_replicas),
        terminating_replicas=told.terminating_replicas or 0,
        generation=told.generation,
        observed_generation=told.observed_generation,
        resource_version=str(told.generation),
        rolled_out_at=None,
        written_at=None,
        # A limit of 0 is Kubernetes' word for none.
        cpu_request_cores=resources.cpu_request_cores or None,
        cpu_limit_cores=resources.cpu_limit_cores or None,
        memory_limit_bytes=resources.memory_limit_bytes or None,
        settings={name: _setting(told.settings.get(name, _UNSAID), variable) for name, variable in target.variables},
        autoscaler=None if told.autoscaler is None else _autoscaler(told.autoscaler),
        strategy=_strategy(told),
        template_hash=told.template_hash,
    )


def _setting(told: SettingPart, variable: str) -> Setting:
    return Setting(variable=variable, value=told.value, source=told.source)


def _autoscaler(told: AutoscalerPart) -> Autoscaler:
    return Autoscaler(kind=told.kind, name=told.name, min_replicas=told.min_replicas, max_replicas=told.max_replicas)


def _strategy(told: DeploymentPart) -> Strategy:
    return Strategy(
        recreate=told.strategy.type == "Recreate",
        max_surge=told.strategy.max_surge,
        max_unavailable=told.strategy.max_unavailable,
        min_ready_s=told.min_ready_seconds,
        grace_s=told.termination_grace_period_seconds,
    )
