"""What the watch told last is what the sweep reads."""

from datetime import timedelta
from typing import Any

from apituner.engine.registry import Kind, Registry, resource
from builders import NOON


def _body(name: str = "orders", uid: str = "1", age_s: int = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any part of an object
    created = (NOON - timedelta(seconds=age_s)).isoformat()
    return {"metadata": {"namespace": "shop", "name": name, "uid": uid, "creationTimestamp": created}, "spec": {"mode": "Auto"}} | more


def _names(registry: Registry) -> list[str]:
    return [one.name for one in registry.all(Kind.TUNING)]


def test_the_oldest_comes_first() -> None:
    """Ties, which a bulk apply makes, go by name: the same at every sweep."""
    registry = Registry()
    for name, age_s in (("c", 5), ("b", 9), ("z", 5), ("a", 1)):
        registry.seen(resource(Kind.TUNING, _body(name, age_s=age_s)))

    assert _names(registry) == ["b", "c", "z", "a"]


def test_a_late_deletion_does_not_take_the_namesake() -> None:
    """The watch may tell of the new object before the end of the old one."""
    registry = Registry()
    registry.seen(resource(Kind.TUNING, _body(uid="2")))

    registry.gone(Kind.TUNING, "shop", "orders", "1")
    assert _names(registry) == ["orders"]

    registry.gone(Kind.TUNING, "shop", "orders", "2")
    assert _names(registry) == []


def test_a_list_replaces_one_kind_and_leaves_the_other() -> None:
    """Whatever was deleted while nobody watched is gone."""
    registry = Registry()
    registry.seen(resource(Kind.TUNING, _body("old")))
    registry.seen(resource(Kind.BUDGET, _body("db")))

    registry.replace_all(Kind.TUNING, [resource(Kind.TUNING, _body("new"))])

    assert _names(registry) == ["new"]
    assert [one.name for one in registry.all(Kind.BUDGET)] == ["db"]


def test_an_object_without_status_or_generation_is_read() -> None:
    """As it comes right after its creation."""
    found = resource(Kind.TUNING, _body())

    assert (found.generation, found.status, found.spec) == (0, {}, {"mode": "Auto"})
