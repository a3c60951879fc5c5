"""What a person must mend before anything may be changed, each with its way out."""

from typing import Any

import pytest

from apituner.core.configuration import Knob
from apituner.core.ownership import OBJECTIONS, standing_objection
from apituner.core.policy import Bounds
from apituner.core.workload import Autoscaler, SettingName, SettingSource
from builders import a_policy, a_setting, a_workload

HPA = Autoscaler(kind="HorizontalPodAutoscaler", name="orders", min_replicas=2, max_replicas=9)
POOL_ONLY = {Knob.POOL: Bounds(least=2, most=30)}


def from_source(source: SettingSource, detail: str = "") -> dict[str, Any]:
    """Return a workload's changes: the pool's size comes from *source*."""
    return {"settings": {SettingName.POOL_SIZE: a_setting(None, source=source, detail=detail)}}


OWNED: dict[str, Any] = {"settings": {SettingName.POOL_SIZE: a_setting(2, owner="argocd")}}


@pytest.mark.parametrize(
    ("expected", "says", "workload", "policy"),
    [
        pytest.param("ScaledToZero", "0 replicas", {"replicas": 0}, {}, id="switched off"),
        pytest.param("SettingFromSecret", "plain value", from_source(SettingSource.SECRET), {}, id="from a Secret"),
        pytest.param(
            "SettingFromConfigMap", "configmap db", from_source(SettingSource.CONFIG_MAP, "configmap db"), {}, id="from a ConfigMap"
        ),
        pytest.param("SettingFromField", "plain value", from_source(SettingSource.FIELD), {}, id="from a field of the pod"),
        pytest.param("SettingFromCommandLine", "drop the flag", from_source(SettingSource.COMMAND_LINE), {}, id="a flag wins"),
        pytest.param("SettingFromUnreadable", "whole number", from_source(SettingSource.UNREADABLE), {}, id="no whole number"),
        pytest.param(None, "", from_source(SettingSource.DEFAULT), {}, id="set nowhere: ours to set"),
        pytest.param("FieldOwnedByOther", "'argocd'", OWNED, {}, id="somebody else owns the variable"),
        pytest.param(None, "", OWNED, {"takes_fields": True}, id="the spec says to take it"),
        pytest.param("AutoscalerOwnsReplicas", "'orders'", {"autoscaler": HPA}, {}, id="an autoscaler owns the replicas"),
        pytest.param(None, "", {"autoscaler": HPA}, {"knobs": POOL_ONLY}, id="and the spec leaves them to it"),
        pytest.param("DeploymentPaused", "rollout resume", {"paused": True}, {}, id="paused"),
        pytest.param("RolloutStuck", "deadline exceeded", {"stuck_because": "deadline exceeded"}, {}, id="stuck"),
        pytest.param(None, "", {}, {}, id="nobody objects"),
    ],
)
def test_standing_objection(expected: str | None, says: str, workload: dict[str, Any], policy: dict[str, Any]) -> None:
    """Each has a reason, and a sentence with the way out."""
    found = standing_objection(a_workload(**workload), a_policy(**policy))

    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert (expected, True) == (found.reason, says in found.because)


def test_the_first_objection_is_told() -> None:
    """Of an API that is switched off nothing else matters."""
    everything = a_workload(replicas=0, autoscaler=HPA, paused=True, **OWNED)

    found = standing_objection(everything, a_policy())
    assert found is not None
    assert found.reason == "ScaledToZero"
    assert [hold.reason for objects in OBJECTIONS if (hold := objects(everything, a_policy()))] == [
        "ScaledToZero",
        "FieldOwnedByOther",
        "AutoscalerOwnsReplicas",
        "DeploymentPaused",
    ]
