"""Which autoscaler owns the replicas."""

from typing import Any

import pytest

from apituner.core.workload import Autoscaler
from apituner.kube.autoscalers import autoscaler_of


def an_hpa(kind: str = "Deployment", name: str = "orders", **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of its spec
    """Return an autoscaler of one to ten pods."""
    return {"metadata": {"name": "hpa"}, "spec": {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": 10, **spec}}


@pytest.mark.parametrize(
    ("expected", "autoscalers"),
    [
        pytest.param(None, [], id="there is none"),
        pytest.param(None, [an_hpa(name="payments"), an_hpa(kind="StatefulSet")], id="all scale something else"),
        pytest.param(
            Autoscaler(kind="HorizontalPodAutoscaler", name="hpa", min_replicas=1, max_replicas=10),
            [an_hpa(name="payments"), an_hpa()],
            id="one without a minimum has 1",
        ),
        pytest.param(
            Autoscaler(kind="ScaledObject", name="orders-by-rate", min_replicas=2, max_replicas=10),
            [
                an_hpa(minReplicas=2)
                | {
                    "metadata": {
                        "name": "keda-hpa-orders",
                        "ownerReferences": [{"kind": "ScaledObject", "name": "orders-by-rate", "controller": True}],
                    }
                }
            ],
            id="KEDA's goes by the name that its user wrote",
        ),
    ],
)
def test_the_autoscaler_of_a_deployment(expected: Autoscaler | None, autoscalers: list[dict[str, Any]]) -> None:
    """Found by what it scales, whatever its own name."""
    assert expected == autoscaler_of(autoscalers, "orders")
