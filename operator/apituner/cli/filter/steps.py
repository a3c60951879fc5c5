"""One step of a change in the words of the contract: which settings it writes."""

from collections.abc import Mapping

from apituner.core.plan import Rollout, Scale, Step
from apituner.core.workload import SettingName, Workload


def writes(step: Step) -> Mapping[str, int]:
    """Return the settings that *step* writes, all at once; the others stay as they are."""
    match step:
        case Scale(replicas=replicas):
            return {"replicas": replicas}
        case Rollout():
            return {
                SettingName.WORKERS: step.workers,
                SettingName.POOL_SIZE: step.pool_size,
                SettingName.MAX_OVERFLOW: step.max_overflow,
            }


def carried_out(step: Step, workload: Workload) -> bool:
    """Whether *workload* is as *step* leaves it; of a setting that no knob names nothing is written."""
    wanted = writes(step)
    if "replicas" in wanted:
        return workload.replicas == wanted["replicas"]
    return all(setting.value == wanted[name] for name, setting in workload.settings.items())
