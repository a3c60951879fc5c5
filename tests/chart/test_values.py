"""Values that cannot work are refused before anything is installed."""

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import resources
from apituner.api.apituning import ApiTuningSpec

Run = Callable[..., subprocess.CompletedProcess[str]]
CHART = resources.ROOT / "charts" / "apituner"
ADDRESS = ("--set", "prometheus.url=http://prometheus:9090")


def test_a_missing_address_is_asked_for(run: Run) -> None:
    """The sentence says which value, what it means, and how to give it."""
    done = run()

    assert done.returncode != 0
    assert (
        "prometheus.url is not set: give the address of the Prometheus that scrapes your APIs, "
        "for example --set prometheus.url=http://prometheus-server.monitoring.svc"
    ) in done.stderr


def test_a_borrowed_account_must_be_named(run: Run) -> None:
    """Falling back to the account that every pod of the namespace runs as would hand the rights to all of them."""
    done = run(*ADDRESS, "--set", "serviceAccount.create=false")

    assert done.returncode != 0
    assert "serviceAccount.name is not set while serviceAccount.create is false" in done.stderr


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param("/prometheus/url", "prometheus.url=prometheus:9090", id="an address without http"),
        pytest.param("/prometheus/url", "prometheus.url=http://me:secret@prometheus", id="an address with a password"),
        pytest.param("/sweep/intervalSeconds", "sweep.intervalSeconds=0", id="a sweep without rest"),
        pytest.param("/sweep/intervalSeconds", "sweep.intervalSeconds=1.5", id="a fraction of a second"),
        pytest.param("/sweep/windowSeconds", "sweep.windowSeconds=5", id="a window shorter than four scrapes"),
        pytest.param("/log/format", "log.format=xml", id="an unknown log format"),
        pytest.param("/watchNamespaces", "watchNamespaces=shop", id="one namespace that is no list"),
        pytest.param("/watchNamespaces/0", "watchNamespaces={Shop}", id="a namespace in upper case"),
        pytest.param("/watchNamespaces", "watchNamespaces={shop,shop}", id="a namespace twice"),
        pytest.param("/runAsUser", "runAsUser=0", id="root"),
        pytest.param("/service/port", "service.port=80", id="a port that needs root"),
        pytest.param("/prometheus", "prometheus.adress=http://x", id="a misspelt value"),
        pytest.param("additional properties 'replicas' not allowed", "replicas=2", id="a value that does not exist"),
    ],
)
def test_a_value_that_cannot_work_is_refused(run: Run, place: str, value: str) -> None:
    """The schema names the value."""
    done = run(*ADDRESS, "--set", value)

    assert done.returncode != 0
    assert place in done.stderr


def keys(values: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The dotted name of every value."""
    for name, value in values.items():
        yield f"{path}{name}"
        if isinstance(value, Mapping):
            yield from keys(value, f"{path}{name}.")


def test_the_schema_knows_every_value_and_nothing_else() -> None:
    """A value without a schema is never checked; a schema without a value is never documented."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))

    def known(node: Mapping[str, Any], path: str = "") -> Iterator[str]:
        for name, field in node.get("properties", {}).items():
            yield f"{path}{name}"
            yield from known(field, f"{path}{name}.")

    free = {key for key in keys(values) if key.startswith("resources.")}  # quantities by any name
    optional = {"global", "resources.requests", "resources.limits"}
    assert set(known(schema)) - optional == set(keys(values)) - free


def test_the_notes_show_the_first_apituning(helm: Path) -> None:
    """It is valid as it stands, and sits in a namespace that is watched."""
    command: list[str | Path] = [
        helm,
        "install",
        "tuner",
        CHART,
        "--dry-run=client",
        "--namespace",
        "ops",
        *ADDRESS,
        "--set",
        "watchNamespaces={shop}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    notes = done.stdout.partition("NOTES:")[2]
    example = yaml.safe_load(notes.partition("<<EOF\n")[2].partition("EOF")[0])

    assert "rollout status deployment/tuner-apituner" in notes
    assert (example["kind"], example["metadata"]["namespace"]) == ("ApiTuning", "shop")
    ApiTuningSpec.model_validate(example["spec"])
