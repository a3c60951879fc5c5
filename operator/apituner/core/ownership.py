"""Who objects to any change of a target as it stands: what a person must mend, whatever the figures say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from apituner.core.configuration import Knob
from apituner.core.policy import Policy
from apituner.core.workload import SettingSource, Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An objection: nothing is changed now."""

    reason: str
    because: str
    retry_after_s: float | None = None


Objection = Callable[[Workload, Policy], Hold | None]


def target_must_be_switched_on(workload: Workload, _policy: Policy) -> Hold | None:
    """Nought replicas is how a person switches an API off."""
    if workload.replicas > 0:
        return None
    return Hold(reason="ScaledToZero", because="the Deployment has 0 replicas, which is left to whoever switched it off")


def settings_must_be_ours_to_set(workload: Workload, _policy: Policy) -> Hold | None:
    """A variable that is fed from elsewhere, or overridden by a flag, cannot be set by us."""
    for name, setting in workload.settings.items():
        advice = _ADVICE.get(setting.source)
        if advice is not None:
            because = f"{setting.variable} ({name}) comes from {setting.detail or setting.source}: {advice}"
            return Hold(reason=f"SettingFrom{setting.source}", because=because)
    return None


_ADVICE = {
    SettingSource.SECRET: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.CONFIG_MAP: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.FIELD: "make it a plain value in the container's env, or leave the knob out of spec.knobs",
    SettingSource.COMMAND_LINE: "drop the flag, so that the variable takes effect, or leave the knob out of spec.knobs",
    SettingSource.UNREADABLE: "write one whole number, or leave the knob out of spec.knobs",
}


def fields_must_not_be_owned_by_another(workload: Workload, policy: Policy) -> Hold | None:
    """Two writers on one field undo each other, with a rollout each time."""
    if policy.takes_fields:
        return None
    for setting in workload.settings.values():
        if setting.owner is not None:
            because = (
                f"{setting.variable} is owned by field manager {setting.owner!r}: "
                "leave it out of what that manager applies, or set spec.rollout.onConflict to Take"
            )
            return Hold(reason="FieldOwnedByOther", because=because)
    return None


def replicas_must_not_be_autoscaled(workload: Workload, policy: Policy) -> Hold | None:
    """An autoscaler sets the number back within seconds."""
    scaler = workload.autoscaler
    if scaler is None or Knob.REPLICAS not in policy.knobs:
        return None
    because = f"{scaler.kind} {scaler.name!r} owns the replicas: delete it, or leave replicas out of spec.knobs"
    return Hold(reason="AutoscalerOwnsReplicas", because=because)


def rollout_must_be_possible(workload: Workload, _policy: Policy) -> Hold | None:
    """A paused or stuck Deployment would take the change and do nothing with it, or half of it."""
    if workload.paused:
        return Hold(reason="DeploymentPaused", because="the Deployment is paused: kubectl rollout resume")
    if workload.stuck_because is not None:
        return Hold(reason="RolloutStuck", because=workload.stuck_because)
    return None


OBJECTIONS: Sequence[Objection] = (
    target_must_be_switched_on,  # nothing else matters of an API that is off
    settings_must_be_ours_to_set,
    fields_must_not_be_owned_by_another,
    replicas_must_not_be_autoscaled,
    rollout_must_be_possible,
)


def standing_objection(workload: Workload, policy: Policy) -> Hold | None:
    """Return the first objection to *workload* as it stands, None where there is none."""
    return next((hold for objects in OBJECTIONS if (hold := objects(workload, policy))), None)
