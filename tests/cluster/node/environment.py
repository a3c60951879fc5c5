"""What a container finds in its environment; pure, given the ConfigMaps and Secrets it names."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cluster.node.api import Manifest
from cluster.node.quantities import resource_field

# "$$" stands for one dollar, "$(NAME)" for a variable.
REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
SOURCES = (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret"), ("configMapRef", "configmap"), ("secretRef", "secret"))
KIND_NAMES = {"configmap": "ConfigMap", "secret": "Secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """Why a container cannot be configured yet."""

    because: str


def references(container: Manifest) -> set[tuple[str, str]]:
    """Kind ("configmap" or "secret") and name of each object that the environment is taken from."""
    entries = [entry.get("valueFrom", {}) for entry in container.get("env", [])] + container.get("envFrom", [])
    return {(kind, entry[field]["name"]) for entry in entries for field, kind in SOURCES if field in entry}


def environment(
    container: Manifest, pod: Manifest, *, pod_ip: str, found: Mapping[tuple[str, str], Manifest | None]
) -> dict[str, str] | Unresolved:
    """The variables that the pod states for *container*; *found* holds the objects of `references`, None for a missing one."""
    variables: dict[str, str] = {}
    namespace = pod["metadata"]["namespace"]
    for entry in container.get("envFrom", []):
        kind, source = next((kind, entry[field]) for field, kind in SOURCES if field in entry)
        held = found[kind, source["name"]]
        if held is None:
            if source.get("optional"):
                continue
            return Unresolved(because=f'{kind} "{source["name"]}" not found')
        variables |= {entry.get("prefix", "") + key: value for key, value in _data(kind, held)}
    for entry in container.get("env", []):
        source = entry.get("valueFrom")
        if source is None:
            variables[entry["name"]] = expanded(entry.get("value", ""), variables)
            continue
        value = _from(source, container, pod, pod_ip=pod_ip, found=found, namespace=namespace)
        if isinstance(value, Unresolved):
            return value
        if value is not None:
            variables[entry["name"]] = value
    return variables


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """*text* with its references replaced; one to an unknown variable stays as it is."""

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[1] is None else variables.get(match[1], match[0])

    return REFERENCE.sub(replacement, text)


def _from(
    source: Manifest, container: Manifest, pod: Manifest, *, pod_ip: str, found: Mapping[tuple[str, str], Manifest | None], namespace: str
) -> str | Unresolved | None:
    """The value that `valueFrom` names; None for an optional one that is missing."""
    if "fieldRef" in source:
        return field(source["fieldRef"]["fieldPath"], pod, pod_ip=pod_ip)
    if "resourceFieldRef" in source:
        return resource_field(source["resourceFieldRef"], container)
    kind, wanted = next((kind, source[name]) for name, kind in SOURCES if name in source)
    held = found[kind, wanted["name"]]
    value = dict(_data(kind, held)).get(wanted["key"]) if held else None
    if value is not None or wanted.get("optional"):
        return value
    if held is None:
        return Unresolved(because=f'{kind} "{wanted["name"]}" not found')
    return Unresolved(because=f"couldn't find key {wanted['key']} in {KIND_NAMES[kind]} {namespace}/{wanted['name']}")


def _data(kind: str, held: Manifest) -> Iterator[tuple[str, str]]:
    for key, value in held.get("data", {}).items():
        yield key, base64.b64decode(value).decode() if kind == "secret" else value


def field(path: str, pod: Manifest, *, pod_ip: str) -> str:
    """What the downward API says for *path*."""
    metadata, spec = pod["metadata"], pod["spec"]
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str(metadata.get(match[1], {}).get(match[2], ""))
    return {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec["nodeName"],
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
    }[path]  # the API server admits no other path
