"""The port to Deployments: reads them, and writes one step, as a compare-and-set, under one field manager."""

from apituner.core.plan import Rollout, Scale, Step
from apituner.core.workload import TargetFault, Workload
from apituner.kube.autoscalers import Autoscalers
from apituner.kube.client import DEPLOYMENTS, Api, Manifest
from apituner.kube.deployment import chosen_container, settings, workload
from apituner.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound
from apituner.kube.patches import apply_body, due_values, scale_body
from apituner.ports import NotWritten, Target, Written


class KubeWorkloads:
    """Deployments of the API server; an error of the world becomes a value with a reason."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._autoscalers = Autoscalers(api)

    async def read(self, target: Target) -> Workload | TargetFault:
        """The Deployment as it is now, or why it cannot be tuned."""
        try:
            deployment = await self._get(target)
            autoscaler = await self._autoscalers.of(target.namespace, target.deployment)
        except KubeError as error:
            reason, because = _explained(error, target)
            return TargetFault(reason=reason, because=because)
        return workload(deployment, target, autoscaler)

    async def carry_out(self, target: Target, step: Step, seen: Workload) -> Written | NotWritten:
        """Write *step*, but only onto the very Deployment that was *seen*."""
        try:
            match step:
                case Scale():
                    return await self._scale(target, step, seen)
                case Rollout():
                    return await self._roll_out(target, step, seen)
        except KubeError as error:
            reason, because = _explained(error, target)
            return NotWritten(reason=reason, because=because)

    async def _get(self, target: Target) -> Manifest:
        return await self._api.get(DEPLOYMENTS, target.namespace, target.deployment)

    async def _scale(self, target: Target, step: Scale, seen: Workload) -> Written:
        if step.replicas != seen.replicas:
            body = scale_body(step.replicas, seen.resource_version)
            await self._api.scale(DEPLOYMENTS, target.namespace, target.deployment, body)
        return Written()

    async def _roll_out(self, target: Target, step: Rollout, seen: Workload) -> Written | NotWritten:
        # Read again, for the fields that we own besides; the resource version in the body still guards against a change in between.
        deployment = await self._get(target)
        container = chosen_container(deployment, target)
        if isinstance(container, TargetFault):
            return NotWritten(reason=container.reason, because=container.because)
        values = due_values(settings(deployment, container, target), step, container["name"])
        if isinstance(values, NotWritten):
            return values
        if not values:
            return Written()
        if deployment["metadata"]["resourceVersion"] != seen.resource_version:
            return NotWritten(reason="ChangedMeanwhile", because=_changed_meanwhile(target))
        body = apply_body(deployment, container["name"], values)
        await self._api.apply(DEPLOYMENTS, target.namespace, target.deployment, body, force=target.takes_fields)
        return Written()


def _explained(error: KubeError, target: Target) -> tuple[str, str]:
    """A condition's reason and sentence for what the API server said."""
    match error:
        case NotFound():
            because = (
                f"there is no Deployment {target.deployment} in namespace {target.namespace}; create it, or correct spec.targetRef.name"
            )
            return "TargetNotFound", because
        case Conflict(fields=()):
            return "ChangedMeanwhile", _changed_meanwhile(target)
        case Conflict(fields=fields):
            owned = ", ".join(f"{conflict.field} belongs to {conflict.manager}" for conflict in fields)
            way_out = "set spec.rollout.onConflict to Take, or remove the variable from the chart or manifest that sets it"
            return "FieldOwnedByOther", f"{owned}; {way_out}"
        case Forbidden():
            return "Forbidden", str(error)
        case Invalid():
            return "Refused", str(error)
        case _:
            return "ApiServerUnreachable", str(error)


def _changed_meanwhile(target: Target) -> str:
    return f"Deployment {target.deployment} has changed since the decision was made; it is decided anew in the next sweep"
