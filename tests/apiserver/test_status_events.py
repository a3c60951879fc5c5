"""What is reported back, as the real API server keeps it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from apituner.kube.client import API_TUNINGS, CONNECTION_BUDGETS, EVENTS
from apituner.kube.events import Note, Recorder, Regarding, Severity
from apituner.kube.status import NotReported, Reported, report
from builders import NOON
from resources import a_connectionbudget, an_apituning
from shop import Shop

LATER = NOON + timedelta(minutes=1)
READY = {"type": "Ready", "status": "True", "reason": "Settled", "message": "at rest", "observedGeneration": 1}
STATUS = {
    "observedGeneration": 1,
    "conditions": [READY],
    "summary": {"replicas": "4→2", "workers": "1", "pool": "5→14", "latency": "640ms", "objective": "250ms"},
    "current": {"replicas": 4, "readyReplicas": 4, "workers": 1, "poolSize": None, "maxOverflow": None},
    "recommendation": None,
}

pytestmark = pytest.mark.usefixtures("kinds")


@pytest.fixture
async def orders(shop: Shop) -> dict[str, Any]:
    """Return a new ApiTuning, as its watch would bring it."""
    return await created(shop, an_apituning())


async def created(shop: Shop, manifest: dict[str, Any]) -> dict[str, Any]:
    """Create the object in the shop's namespace."""
    manifest["metadata"]["namespace"] = shop.namespace
    return dict(json.loads(shop.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(manifest))))


async def seen(shop: Shop) -> dict[str, Any]:
    """Return the ApiTuning as it stands."""
    return dict(await shop.api.get(API_TUNINGS, shop.namespace, "orders"))


async def test_a_status_is_written_once(shop: Shop, orders: dict[str, Any]) -> None:
    """The second report says nothing new: no write, and the resource version stands."""
    first = await report(shop.api, API_TUNINGS, orders, STATUS, NOON)
    after_first = await seen(shop)
    second = await report(shop.api, API_TUNINGS, after_first, STATUS, LATER)

    assert isinstance(first, Reported)
    assert second == Reported(status=after_first["status"], written=False)
    assert (first.written, first.status) == (True, after_first["status"])
    assert after_first["metadata"]["generation"] == orders["metadata"]["generation"]
    assert after_first["metadata"]["resourceVersion"] == (await seen(shop))["metadata"]["resourceVersion"]
    assert after_first["status"]["conditions"] == [READY | {"lastTransitionTime": "2026-11-23T12:00:00Z"}]


async def test_what_is_no_longer_so_goes_away(shop: Shop, orders: dict[str, Any]) -> None:
    """The status is written whole: nothing of the old one stays behind but the time of a condition that has not turned."""
    await report(shop.api, API_TUNINGS, orders, STATUS, NOON)
    less = {"observedGeneration": 1, "conditions": [READY | {"message": "still"}], "current": {"replicas": 2}}

    await report(shop.api, API_TUNINGS, await seen(shop), less, LATER)

    condition = READY | {"message": "still", "lastTransitionTime": "2026-11-23T12:00:00Z"}
    assert (await seen(shop))["status"] == less | {"conditions": [condition]}


async def test_a_namesake_does_not_inherit_a_status(shop: Shop, orders: dict[str, Any]) -> None:
    """Deleted and made anew while the status was computed: the new object starts without one."""
    shop.kubectl("delete", "apituning/orders")
    gone = await report(shop.api, API_TUNINGS, orders, STATUS, NOON)
    await created(shop, an_apituning())

    other = await report(shop.api, API_TUNINGS, orders, STATUS, NOON)

    assert isinstance(gone, NotReported)
    assert isinstance(other, NotReported)
    assert "status" not in await seen(shop)


async def test_a_budget_is_reported_the_same_way(shop: Shop) -> None:
    """One function for both kinds."""
    budget = await created(shop, a_connectionbudget())
    granted = [{"namespace": shop.namespace, "name": "orders", "connections": 42, "atPeak": 56}]

    reported = await report(shop.api, CONNECTION_BUDGETS, budget, {"limit": 90, "granted": granted, "free": 34}, NOON)

    assert isinstance(reported, Reported)
    assert (reported.status["granted"], reported.status["free"]) == (granted, 34)


async def test_an_event_is_kept_and_said_once(shop: Shop, orders: dict[str, Any]) -> None:
    """The API server takes it, `kubectl describe` would find it, and its echo is not written."""
    recorder = Recorder(shop.api, instance="apituner-0")
    regarding = Regarding(
        api_version="apituner.dev/v1alpha1",
        kind="ApiTuning",
        namespace=shop.namespace,
        name="orders",
        uid=orders["metadata"]["uid"],
    )
    note = Note(reason="Held", because="ü" * 2000, severity=Severity.WARNING)

    written = [await recorder.record(regarding, note, moment) for moment in (NOON, LATER)]

    (event,) = await shop.api.list(EVENTS, shop.namespace)
    assert written == [True, False]
    assert (event["reportingController"], event["type"], event["reason"]) == ("apituner.dev/operator", "Warning", "Held")
    assert event["regarding"] == regarding.as_reference()
    assert "Held" in shop.kubectl("get", "events", "--field-selector", f"involvedObject.uid={orders['metadata']['uid']}")
