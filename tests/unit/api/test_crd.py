"""The CRDs: generated and never edited, structural, bounded everywhere, and full of sentences."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import resources
from apituner.api.crd import RESOURCES, Resource, definition, written_to

FILES = written_to(resources.ROOT)
KINDS = [pytest.param(resource, id=resource.kind) for resource in RESOURCES]
Node = dict[str, Any]


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(resources.ROOT))) for path in FILES])
def test_the_file_is_what_the_models_say(path: Path) -> None:
    """Whoever changes a model runs `make crds`; whoever edits the file is found out."""
    assert FILES[path] == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("resource", KINDS)
def test_the_manifest_is_valid_yaml_of_the_definition(resource: Resource) -> None:
    """What is written reads back as what was meant: no anchors, no text taken for a number."""
    text = FILES[resources.ROOT / "crds" / f"{resource.plural}.yaml"]

    assert definition(resource) == yaml.safe_load(text)


def nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every schema below *node*, with its path."""
    yield path, node
    for name, field in node.get("properties", {}).items():
        yield from nodes(field, f"{path}.{name}")
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")


def schema_nodes(resource: Resource) -> list[tuple[str, Node]]:
    """Every schema of the spec and the status."""
    properties = definition(resource)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return [found for part in ("spec", "status") for found in nodes(properties[part], part)]


@pytest.mark.parametrize("resource", KINDS)
def test_nothing_is_unbounded(resource: Resource) -> None:
    """A text without a length or a list without a size makes CEL too dear for the API server, and etcd too full."""
    texts = [
        path for path, node in schema_nodes(resource) if node["type"] == "string" and not {"enum", "maxLength", "format"} & node.keys()
    ]
    lists = [path for path, node in schema_nodes(resource) if node["type"] == "array" and "maxItems" not in node]
    numbers = [
        path
        for path, node in schema_nodes(resource)
        if node["type"] == "integer"
        and path.startswith("spec")
        and ("maximum" not in node or ("minimum" not in node and "x-kubernetes-validations" not in node))
    ]

    assert (texts, lists, numbers) == ([], [], [])


@pytest.mark.parametrize("resource", KINDS)
def test_every_field_is_described(resource: Resource) -> None:
    """`kubectl explain` is the manual that everyone has."""
    assert [path for path, node in schema_nodes(resource) if "description" not in node and not path.endswith("[]")] == []


@pytest.mark.parametrize("resource", KINDS)
def test_no_fraction_is_asked_for(resource: Resource) -> None:
    """Fractions do not survive every client: units are chosen so that whole numbers do."""
    assert {"object", "array", "string", "integer", "boolean"} >= {node["type"] for _, node in schema_nodes(resource)}


@pytest.mark.parametrize("resource", KINDS)
def test_the_schema_is_structural(resource: Resource) -> None:
    """The API server refuses a CRD with references, unions or closed objects."""
    foreign = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "title", "const", "additionalProperties", "exclusiveMinimum", "exclusiveMaximum"}

    assert [path for path, node in schema_nodes(resource) if foreign & node.keys()] == []


@pytest.mark.parametrize("resource", KINDS)
def test_a_status_is_never_filled_in_by_the_api_server(resource: Resource) -> None:
    """A default in a status would be a report that nobody made."""
    assert [path for path, node in schema_nodes(resource) if path.startswith("status") and "default" in node] == []


@pytest.mark.parametrize("resource", KINDS)
def test_every_rule_tells_what_to_write(resource: Resource) -> None:
    """Without a message the API server prints the rule itself."""
    rules = [rule for _, node in schema_nodes(resource) for rule in node.get("x-kubernetes-validations", [])]

    assert rules
    assert [rule for rule in rules if len(rule["message"]) < 30 or "\n" in rule["message"]] == []


def test_the_table_has_the_columns_that_were_promised() -> None:
    """Scripts read them; the reason is for wide screens."""
    columns = definition(RESOURCES[0])["spec"]["versions"][0]["additionalPrinterColumns"]

    assert [column["name"] for column in columns if not column.get("priority")] == [
        "Target",
        "Mode",
        "Bottleneck",
        "Replicas",
        "Workers",
        "Pool",
        "Latency",
        "Objective",
        "Ready",
        "Age",
    ]
    assert [column["name"] for column in columns if column.get("priority")] == ["Reason"]
