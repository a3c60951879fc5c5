"""
The two CustomResourceDefinitions, and where they are written: ``python -m apituner.api.crd``.

``crds/`` holds them for ``kubectl apply``; the chart holds them as templates, because helm installs a chart's own ``crds`` folder once and
never upgrades it. As templates they would be deleted with the release, and every ApiTuning with them: the policy ``keep`` prevents that.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from apituner.api.apituning import ApiTuningSpec
from apituner.api.connectionbudget import ConnectionBudgetSpec
from apituner.api.rules import Part
from apituner.api.status import ApiTuningStatus, ConnectionBudgetStatus
from apituner.api.structural import Schema, structural
from apituner.api.words import GROUP, VERSION

CATEGORY = "apituner"
_WIDTH = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the table that kubectl prints."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Shown with ``-o wide`` alone."""

    @property
    def written(self) -> Schema:
        """The column as an entry of ``additionalPrinterColumns``."""
        return {"name": self.name, "type": self.type, "jsonPath": self.path, **({"priority": 1} if self.wide else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind of the group."""

    kind: str
    short_name: str
    description: str
    spec: type[Part]
    status: type[Part]
    columns: tuple[Column, ...]

    @property
    def plural(self) -> str:
        """The name in a URL."""
        return f"{self.kind.lower()}s"

    @property
    def name(self) -> str:
        """The name of the CustomResourceDefinition."""
        return f"{self.plural}.{GROUP}"


_READY = '.status.conditions[?(@.type=="Ready")]'
_AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")

RESOURCES = (
    Resource(
        kind="ApiTuning",
        short_name="atun",
        description="An ApiTuning keeps one API inside its latency objective by moving replicas, workers and pool together.",
        spec=ApiTuningSpec,
        status=ApiTuningStatus,
        columns=(
            Column(name="Target", path=".spec.targetRef.name"),
            Column(name="Mode", path=".spec.mode"),
            Column(name="Bottleneck", path=".status.diagnosis.bottleneck"),
            Column(name="Replicas", path=".status.summary.replicas"),
            Column(name="Workers", path=".status.summary.workers"),
            Column(name="Pool", path=".status.summary.pool"),
            Column(name="Latency", path=".status.summary.latency"),
            Column(name="Objective", path=".status.summary.objective"),
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Reason", path=".status.decision.because", wide=True),
            _AGE,
        ),
    ),
    Resource(
        kind="ConnectionBudget",
        short_name="cbud",
        description="A ConnectionBudget is the connections of one database, shared by the ApiTunings that name it.",
        spec=ConnectionBudgetSpec,
        status=ConnectionBudgetStatus,
        columns=(
            Column(name="Max", path=".spec.maxConnections", type="integer"),
            Column(name="Reserved", path=".spec.reserved", type="integer"),
            Column(name="Limit", path=".status.limit", type="integer"),
            Column(name="Free", path=".status.free", type="integer"),
            Column(name="Ready", path=f"{_READY}.status"),
            Column(name="Reason", path=f"{_READY}.message", wide=True),
            _AGE,
        ),
    ),
)


def definition(resource: Resource) -> Schema:
    """Return the CustomResourceDefinition of *resource*."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": resource.name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": [resource.short_name],
                "categories": [CATEGORY],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [column.written for column in resource.columns],
                    "schema": {"openAPIV3Schema": _object(resource)},
                }
            ],
        },
    }


def _object(resource: Resource) -> Schema:
    return {
        "type": "object",
        "description": resource.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(resource.spec, reported=False),
            "status": structural(resource.status, reported=True),
        },
    }


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the signature is PyYAML's; anchors would hide what a field allows
        return True


def _dumped(document: Schema) -> str:
    return yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=_WIDTH)


def manifest(resource: Resource) -> str:
    """Return the definition as a file for ``kubectl apply``."""
    return "# Generated by `make crds`; do not edit.\n" + _dumped(definition(resource))


def template(resource: Resource) -> str:
    """Return the definition as a template of the chart."""
    whole = definition(resource)
    head = _dumped({"apiVersion": whole["apiVersion"], "kind": whole["kind"], "metadata": {"name": resource.name}})
    return (
        "{{- /* Generated by `make crds`; do not edit. */ -}}\n"
        "{{- if .Values.crds.install }}\n"
        f"{head}"
        "  annotations:\n"
        "    # Without this, uninstalling the chart would delete every object of this kind.\n"
        "    helm.sh/resource-policy: keep\n"
        "  labels:\n"
        '    {{- include "apituner.labels" . | nindent 4 }}\n'
        f"{_dumped({'spec': whole['spec']})}"
        "{{- end }}\n"
    )


def written_to(root: Path) -> dict[Path, str]:
    """Return what belongs into which file of the repository at *root*."""
    texts: dict[Path, str] = {}
    for resource in RESOURCES:
        texts[root / "crds" / f"{resource.plural}.yaml"] = manifest(resource)
        texts[root / "charts" / "apituner" / "templates" / f"crd-{resource.plural}.yaml"] = template(resource)
    return texts


def main() -> None:
    """Write all files into the repository in the working folder."""
    root = Path.cwd()
    if not (root / "pyproject.toml").is_file():
        sys.exit("no pyproject.toml here: run this in the top folder of the repository, or say `make crds`")
    for path, text in written_to(root).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {path.relative_to(root)}\n")


if __name__ == "__main__":
    main()
