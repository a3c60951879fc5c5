"""Which autoscaler owns the replicas."""

import asyncio
from typing import Any, cast

import pytest

from apituner.core.workload import Autoscaler
from apituner.kube import autoscalers as autoscalers_module
from apituner.kube.autoscalers import Autoscalers, autoscaler_of
from apituner.kube.client import Api, Kind
from apituner.kube.errors import Unreachable


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


class Counting:
    """An API server that counts how often it is asked for a list, and may be down."""

    def __init__(self, *, down: bool = False) -> None:
        self.asked: list[str] = []
        self.down = down

    async def list(self, _kind: Kind, namespace: str) -> list[dict[str, Any]]:
        """Answer with one autoscaler, after others have had their turn."""
        self.asked.append(namespace)
        await asyncio.sleep(0)
        if self.down:
            raise Unreachable("the API server is down")
        return [an_hpa()]


async def test_a_namespace_is_listed_once_for_all_who_ask() -> None:
    """A sweep over a hundred Deployments of two namespaces asks twice."""
    server = Counting()
    autoscalers = Autoscalers(cast("Api", server))

    found = await asyncio.gather(*(autoscalers.of(namespace, "orders") for namespace in ("shop", "bank") for _ in range(50)))

    assert server.asked == ["shop", "bank"]
    assert None not in found


async def test_the_next_sweep_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered is forgotten before the next sweep begins."""
    monkeypatch.setattr(autoscalers_module, "_FRESH_S", 0.0)
    server = Counting()
    autoscalers = Autoscalers(cast("Api", server))

    await autoscalers.of("shop", "orders")
    await autoscalers.of("shop", "orders")

    assert server.asked == ["shop", "shop"]


async def test_not_knowing_is_not_the_same_as_none() -> None:
    """Everyone who asks learns that the list could not be had."""
    autoscalers = Autoscalers(cast("Api", Counting(down=True)))

    found = await asyncio.gather(*(autoscalers.of("shop", "orders") for _ in range(3)), return_exceptions=True)

    assert [Unreachable] * 3 == [type(error) for error in found]
