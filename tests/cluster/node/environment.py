"""What a container finds in its environment; pure, given the ConfigMaps and Secrets it names."""

import base64
import re
from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that values can come from; *held* has the objects of `references`, None for a missing one."""

    pod: Manifest
    pod_ip: str
    held: Mapping[tuple[str, str], Manifest | None]

    def data(self, kind: str, name: str) -> dict[str, str] | None:
        """What the ConfigMap or Secret *name* holds, None where there is none."""
        held = self.held[kind, name]
        if held is None:
            return None
        data: dict[str, str] = held.get("data", {})
        return {key: base64.b64decode(value).decode() for key, value in data.items()} if kind == "secret" else data

    def value(self, stated: Manifest, container: Manifest) -> str | Unresolved | None:
        """What a `valueFrom` names; None for an optional one that is missing."""
        if "fieldRef" in stated:
            return field(stated["fieldRef"]["fieldPath"], self.pod, pod_ip=self.pod_ip)
        if "resourceFieldRef" in stated:
            return resource_field(stated["resourceFieldRef"], container)
        kind, wanted = next((kind, stated[name]) for name, kind in SOURCES if name in stated)
        data = self.data(kind, wanted["name"])
        value = (data or {}).get(wanted["key"])
        if value is not None or wanted.get("optional"):
            return value
        if data is None:
            return Unresolved(because=f'{kind} "{wanted["name"]}" not found')
        place = f"{KIND_NAMES[kind]} {self.pod['metadata']['namespace']}/{wanted['name']}"
        return Unresolved(because=f"couldn't find key {wanted['key']} in {place}")


def environment(container: Manifest, sources: Sources) -> dict[str, str] | Unresolved:
    """The variables that the pod states for *container*: all of envFrom first, so that env overrides it."""
    variables: dict[str, str] = {}
    for entry in container.get("envFrom", []):
        kind, source = next((kind, entry[name]) for name, kind in SOURCES if name in entry)
        data = sources.data(kind, source["name"])
        if data is None and not source.get("optional"):
            return Unresolved(because=f'{kind} "{source["name"]}" not found')
        variables |= {entry.get("prefix", "") + key: value for key, value in (data or {}).items()}
    for entry in container.get("env", []):
        value = sources.value(entry["valueFrom"], container) if "valueFrom" in entry else expanded(entry.get("value", ""), variables)
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


def field(path: str, pod: Manifest, *, pod_ip: str) -> str:
    """What the downward API says for *path*."""
    metadata, spec = pod["metadata"], pod["spec"]
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str(metadata.get(match[1], {}).get(match[2], ""))
    known: dict[str, str] = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec["nodeName"],
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
    }
    return known[path]  # the API server admits no other path
