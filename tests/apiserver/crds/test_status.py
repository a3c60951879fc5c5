"""The status at a real API server: apart from the spec, complete, and readable in a table."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import resources
import statuses
from apituner.api.rules import Part

Done = subprocess.CompletedProcess[str]
Kubectl = Callable[..., Done]
Created = Callable[[dict[str, Any]], str]


def written(status: Part) -> dict[str, Any]:
    """*status* as the operator writes it."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def report(kubectl: Kubectl, name: str, status: dict[str, Any]) -> Done:
    """Write *status* as the operator does: a merge patch of the subresource."""
    return kubectl("patch", name, "--subresource=status", "--type=merge", "--patch", json.dumps({"status": status}))


def stored(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """The object as the API server has it."""
    found: dict[str, Any] = json.loads(kubectl("get", name, "--output", "json").stdout)
    return found


@pytest.mark.parametrize(
    ("manifest", "status"),
    [
        pytest.param(resources.an_apituning(), statuses.a_full_status(), id="ApiTuning"),
        pytest.param(resources.a_connectionbudget(), statuses.a_full_budget_status(), id="ConnectionBudget"),
    ],
)
def test_a_full_status_survives(kubectl: Kubectl, created: Created, manifest: dict[str, Any], status: Part) -> None:
    """What the schema does not name is pruned in silence, and with it the memory of the operator: so every field is named."""
    name = created(manifest)

    done = report(kubectl, name, written(status))

    assert done.returncode == 0, done.stderr
    assert stored(kubectl, name)["status"] == written(status)


def test_what_is_no_longer_true_can_be_taken_back(kubectl: Kubectl, created: Created) -> None:
    """A null in the patch removes the field; nothing is left of an old recommendation."""
    name = created(resources.an_apituning())
    report(kubectl, name, written(statuses.a_full_status()))

    done = report(kubectl, name, {"recommendation": None, "observed": {"queryMilliseconds": None}})

    assert done.returncode == 0, done.stderr
    status = stored(kubectl, name)["status"]
    assert "recommendation" not in status
    assert "queryMilliseconds" not in status["observed"]
    assert status["observed"]["windowSeconds"] == 7


def test_a_status_written_by_a_user_is_ignored(kubectl: Kubectl, created: Created) -> None:
    """Creating or applying an object cannot forge what the operator remembers."""
    name = created({**resources.an_apituning(), "status": written(statuses.a_full_status())})

    assert "status" not in stored(kubectl, name)


def test_reporting_cannot_change_the_spec(kubectl: Kubectl, created: Created) -> None:
    """The right to patch the status is no right to the spec, and a report is no new generation."""
    name = created(resources.an_apituning())
    before = stored(kubectl, name)
    change = json.dumps({"spec": {"mode": "Auto"}, "status": {"observedGeneration": 1}})

    done = kubectl("patch", name, "--subresource=status", "--type=merge", "--patch", change)

    assert done.returncode == 0, done.stderr
    after = stored(kubectl, name)
    assert after["spec"] == before["spec"]
    assert after["status"] == {"observedGeneration": 1}
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_one_condition_of_a_type(kubectl: Kubectl, created: Created) -> None:
    """Two answers to one question would be none."""
    name = created(resources.an_apituning())
    ready = written(statuses.a_full_status())["conditions"][0]

    done = report(kubectl, name, {"conditions": [ready, ready]})

    assert done.returncode != 0
    assert "Duplicate value" in done.stderr


def cells(table: str) -> dict[str, str]:
    """The one row of a table that kubectl printed, by column; columns stand three spaces apart."""
    header, row = table.rstrip("\n").split("\n")
    starts = [at for at, letter in enumerate(header) if letter != " " and (at == 0 or header[at - 1] == " ")]
    edges = [*starts[1:], None]
    return {header[start:end].strip(): row[start:end].strip() for start, end in zip(starts, edges, strict=True)}


def test_the_table_tells_the_story(kubectl: Kubectl, created: Created) -> None:
    """Whoever looks sees what is wrong, what would change, and whether the objective is met."""
    name = created(resources.an_apituning())
    report(kubectl, name, written(statuses.a_full_status()))

    row = cells(kubectl("get", "apitunings").stdout)

    assert row.pop("AGE").endswith("s")
    assert list(row.items()) == [
        ("NAME", "orders"),
        ("TARGET", "orders"),
        ("MODE", "Recommend"),
        ("BOTTLENECK", "PoolStarved"),
        ("REPLICAS", "4→2"),
        ("WORKERS", "1"),
        ("POOL", "5→14"),
        ("LATENCY", "640ms"),
        ("OBJECTIVE", "250ms"),
        ("READY", "True"),
    ]


def test_the_wide_table_adds_the_reason(kubectl: Kubectl, created: Created) -> None:
    """In one sentence, as the operator decided."""
    name = created(resources.an_apituning())
    report(kubectl, name, written(statuses.a_full_status()))

    assert cells(kubectl("get", "apitunings", "--output", "wide").stdout)["REASON"] == "300 s left"


def test_the_table_of_budgets_tells_what_is_left(kubectl: Kubectl, created: Created) -> None:
    """Below zero while the APIs hold more than the budget allows."""
    name = created(resources.a_connectionbudget())
    report(kubectl, name, written(statuses.a_full_budget_status()))

    row = cells(kubectl("get", "connectionbudgets").stdout)

    assert [row[column] for column in ("MAX", "RESERVED", "LIMIT", "FREE", "READY")] == ["100", "10", "90", "-1", "True"]


@pytest.mark.parametrize("asked", ["atun,cbud", "apituner", "apitunings,connectionbudgets", "apituning,connectionbudget"])
def test_both_kinds_have_short_names_and_a_category(kubectl: Kubectl, created: Created, asked: str) -> None:
    """`kubectl get apituner` shows everything of ours at once."""
    names = {created(resources.an_apituning()), created(resources.a_connectionbudget())}

    assert names == set(kubectl("get", asked, "--output", "name").stdout.split())


def test_explain_is_a_manual(kubectl: Kubectl) -> None:
    """Every field says what it means, in a terminal."""
    assert "the size carries the whole pool" in " ".join(kubectl("explain", "apituning.spec.knobs.pool").stdout.split())
