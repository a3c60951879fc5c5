"""The bodies of the two writes: pure, and nothing in them but what they change and what must not be lost."""

from collections.abc import Mapping
from typing import Any

from apituner.core.plan import Rollout
from apituner.core.workload import Setting, SettingName, SettingSource
from apituner.kube import ownership
from apituner.ports import NotWritten


def due_values(settings: Mapping[SettingName, Setting], step: Rollout, container: str) -> dict[str, int] | NotWritten:
    """The variables that *step* has to set, each with its number. What already stands as wanted is left to whoever owns it."""
    wanted = {SettingName.WORKERS: step.workers, SettingName.POOL_SIZE: step.pool_size, SettingName.MAX_OVERFLOW: step.max_overflow}
    due: dict[str, int] = {}
    for name, setting in settings.items():
        if setting.value == wanted[name]:
            continue
        if setting.source not in (SettingSource.ENV, SettingSource.DEFAULT):
            way_out = "make it a plain number in env, or drop the knob"
            because = f"{setting.variable} of container {container} cannot be set: {setting.detail}; {way_out}"
            return NotWritten(reason="SettingNotWritable", because=because)
        due[setting.variable] = wanted[name]
    return due


def apply_body(deployment: Mapping[str, Any], container: str, values: Mapping[str, int]) -> dict[str, Any]:
    """
    Server-side apply of *values* (variable → number) on *container*, and of everything that we applied before.

    The API server deletes what an apply leaves out and nobody else owns. So a variable that the spec no longer names, or one of a container
    that it no longer names, is applied again as it stands: the operator lets go of a knob without turning it.
    """
    metadata = deployment["metadata"]
    live = {
        spec["name"]: {entry["name"]: entry for entry in spec.get("env") or []}
        for spec in deployment["spec"]["template"]["spec"]["containers"]
    }
    applied: dict[str, dict[str, dict[str, str]]] = {}
    for owned_container, variable in ownership.applied_variables(deployment):
        entry = live.get(owned_container, {}).get(variable)
        if entry is not None:
            # Where somebody has put a reference in place of our value, only the name is still ours.
            applied.setdefault(owned_container, {})[variable] = {key: entry[key] for key in ("name", "value") if key in entry}
    for variable, value in values.items():
        applied.setdefault(container, {})[variable] = {"name": variable, "value": str(value)}
    containers = [{"name": name, "env": list(entries.values())} for name, entries in applied.items()]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "resourceVersion": metadata["resourceVersion"]},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


def scale_body(replicas: int, resource_version: str) -> dict[str, Any]:
    """
    Merge patch of the Scale; the resource version makes it a compare-and-set.

    No apply: it would own the field, and giving that up later would reset the Deployment to one pod. The API server records no time for a
    write through ``/scale``; the cooldown does not need one, since every change is written into the status before its first write.
    """
    return {"metadata": {"resourceVersion": resource_version}, "spec": {"replicas": replicas}}
