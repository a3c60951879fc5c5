"""What a container finds in its environment."""

import base64
from typing import Any

import pytest

from cluster.node.environment import Sources, Unresolved, environment, expanded, references

POD = {
    "metadata": {"name": "orders-1", "namespace": "shop", "uid": "u1", "labels": {"app": "orders"}},
    "spec": {"nodeName": "local", "serviceAccountName": "orders"},
}
SETTINGS = {"data": {"colour": "blue", "size": "3"}}
KEYS = {"data": {"password": base64.b64encode(b"s3cret").decode()}}


def resolved(container: dict[str, Any]) -> dict[str, str] | Unresolved:
    """The environment of *container* where "settings" and "keys" exist and nothing else does."""
    known = {("configmap", "settings"): SETTINGS, ("secret", "keys"): KEYS}
    held = {reference: known.get(reference) for reference in references(container)}
    return environment(container, Sources(pod=POD, pod_ip="127.1.2.3", held=held))


def from_map(name: str, key: str, **more: object) -> dict[str, Any]:
    """An env entry X with a reference to a ConfigMap."""
    return {"env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": name, "key": key} | more}}]}


@pytest.mark.parametrize(
    ("expected", "container"),
    [
        pytest.param({"X": "1"}, {"env": [{"name": "X", "value": "1"}]}, id="a value"),
        pytest.param({"X": ""}, {"env": [{"name": "X"}]}, id="no value is an empty one"),
        pytest.param({"X": "blue"}, from_map("settings", "colour"), id="a ConfigMap's key"),
        pytest.param(
            {"X": "s3cret"},
            {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}}]},
            id="a Secret's key",
        ),
        pytest.param({}, from_map("settings", "weight", optional=True), id="an optional key that is missing is left out"),
        pytest.param({}, from_map("absent", "colour", optional=True), id="so is one of an optional ConfigMap"),
        pytest.param(
            {"CM_colour": "red", "CM_size": "3"},
            {"envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "CM_"}], "env": [{"name": "CM_colour", "value": "red"}]},
            id="env overrides envFrom",
        ),
        pytest.param({}, {"envFrom": [{"secretRef": {"name": "absent", "optional": True}}]}, id="an optional Secret that is missing"),
        pytest.param(
            {"A": "1", "B": "1-$(C)", "C": "2"},
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(C)"}, {"name": "C", "value": "2"}]},
            id="a value sees those before it and not those after it",
        ),
    ],
)
def test_environment(expected: dict[str, str], container: dict[str, Any]) -> None:
    """Every form that a manifest may use gives the variable that a kubelet would give."""
    assert expected == resolved(container)


@pytest.mark.parametrize(
    ("because", "container"),
    [
        pytest.param('configmap "absent" not found', from_map("absent", "colour"), id="a ConfigMap that is missing"),
        pytest.param("couldn't find key weight in ConfigMap shop/settings", from_map("settings", "weight"), id="a key that is missing"),
        pytest.param('secret "absent" not found', {"envFrom": [{"secretRef": {"name": "absent"}}]}, id="a Secret that is missing"),
    ],
)
def test_what_is_missing_is_named(because: str, container: dict[str, Any]) -> None:
    """The sentence is the kubelet's, as operators match on it."""
    assert Unresolved(because=because) == resolved(container)


@pytest.mark.parametrize(
    ("expected", "path"),
    [
        ("orders-1", "metadata.name"),
        ("shop", "metadata.namespace"),
        ("orders", "metadata.labels['app']"),
        ("", "metadata.annotations['absent']"),
        ("orders", "spec.serviceAccountName"),
        ("127.1.2.3", "status.podIP"),
    ],
)
def test_fields_of_the_pod(expected: str, path: str) -> None:
    """The downward API tells a container who it is."""
    assert {"X": expected} == resolved({"env": [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}]})


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("v", "$(A)"),
        ("$(A)", "$$(A)"),
        ("$v", "$$$(A)"),
        ("$(B)", "$(B)"),
        ("$A ${A} $(A", "$A ${A} $(A"),
        ("vv", "$(A)$(A)"),
    ],
)
def test_references_in_text(expected: str, text: str) -> None:
    """Only $(NAME) is a reference, two dollars are one, and what is unknown stays."""
    assert expected == expanded(text, {"A": "v"})
