"""When a Deployment is at rest."""

from typing import Any

import pytest

from apituner.core.configuration import Knob
from apituner.core.workload import SettingName
from builders import a_workload


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        pytest.param(None, {}, id="at rest"),
        pytest.param("not seen the newest spec", {"observed_generation": 6}, id="the controller is behind"),
        pytest.param("1 of 2 pods run the newest", {"updated_replicas": 1}, id="an old pod is left"),
        pytest.param("1 pods too many", {"total_replicas": 3}, id="a surge pod is left"),
        pytest.param("1 old pods are still terminating", {"terminating_replicas": 1}, id="a pod still holds its connections"),
        pytest.param("1 of 2 pods are ready", {"ready_replicas": 1}, id="a pod is not ready"),
    ],
)
def test_unsettled_because(expected: str | None, changes: dict[str, Any]) -> None:
    """Each way of not being at rest has its sentence."""
    found = a_workload(**changes).unsettled_because

    assert found is None if expected is None else found is not None and expected in found


def test_each_setting_is_moved_by_a_knob() -> None:
    """Size and overflow are one knob."""
    assert [name.knob for name in SettingName] == [Knob.WORKERS, Knob.POOL, Knob.POOL]
