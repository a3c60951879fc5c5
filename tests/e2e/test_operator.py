"""The operator on a real control plane: installed by helm, before a real Prometheus, and then everything that can go wrong around it."""

import json
import signal
import time
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from cluster import LocalCluster
from exporters import PORT, an_api
from installed import SWEEP_S, Installed, a_shop, a_tuning, eventually, installed, pool_size

# From the end of a sweep to what kubectl shows of it, on a machine that is busy with other things: a look takes 0.1 to 1 s.
LATENCY_S = 4


@pytest.fixture(scope="module")
def operator(cluster: LocalCluster) -> Iterator[Installed]:
    """Return the operator, for all tests of this file."""
    with installed(cluster) as release:
        yield release


def _outcome(operator: Installed, namespace: str, name: str = "shop") -> str | None:
    return (operator.status(namespace, name).get("lastChange") or {}).get("outcome")


def _replica_sets(operator: Installed, namespace: str, name: str) -> int:
    found = json.loads(operator.cluster.kubectl("get", "replicasets", "-n", namespace, "-l", f"app={name}", "-o", "json"))
    return len(found["items"])


def test_p6_killed_at_any_moment_it_neither_repeats_nor_loses_a_change(operator: Installed, namespace: str) -> None:
    """A kill -9 before the decision, after the intention, after the write and during the rollout: one change, one rollout, no more."""
    shops = ("first", "second")
    for name in shops:
        operator.apply(a_shop(namespace, name), a_tuning(namespace, name))

    def kill() -> None:
        running = eventually(operator.processes, within_s=60)
        for process in running:
            process.kill()

    eventually(lambda: operator.status(namespace, "first"))
    kill()
    eventually(lambda: any(_outcome(operator, namespace, name) for name in shops), within_s=90)
    kill()
    eventually(lambda: any(pool_size(operator.get("deployment", namespace, name)) != "2" for name in shops), within_s=90)
    kill()
    eventually(lambda: all(operator.status(namespace, name).get("history") for name in shops), within_s=240)

    for name in shops:
        status = operator.status(namespace, name)
        assert str(status["lastChange"]["to"]["poolSize"]) == pool_size(operator.get("deployment", namespace, name))
        assert _replica_sets(operator, namespace, name) == 2
        assert len(status["history"]) == 1
    assert "Traceback" not in operator.log()


def test_p7_without_prometheus_it_says_so_changes_nothing_and_recovers(operator: Installed, namespace: str) -> None:
    """Within three sweeps MetricsAvailable is False; the Deployment stays as it is; when Prometheus is back, so is the condition."""
    operator.apply(a_shop(namespace), a_tuning(namespace, mode="Recommend"))
    eventually(lambda: operator.condition(namespace, "shop", "MetricsAvailable").get("status") == "True", within_s=60)
    generation = operator.get("deployment", namespace, "shop")["metadata"]["generation"]

    operator.cluster.prometheus.stop()
    try:
        stopped = time.monotonic()
        operator.cluster.kubectl("patch", "apituning/shop", "-n", namespace, "--type=merge", "-p", '{"spec": {"mode": "Auto"}}')
        eventually(
            lambda: operator.condition(namespace, "shop", "MetricsAvailable").get("status") == "False", within_s=3 * SWEEP_S + LATENCY_S
        )
        took_s = time.monotonic() - stopped
        time.sleep(3 * SWEEP_S)
        unchanged = operator.get("deployment", namespace, "shop")["metadata"]["generation"] == generation
    finally:
        operator.cluster.prometheus.start()

    assert unchanged
    assert took_s < 3 * SWEEP_S + LATENCY_S
    eventually(lambda: operator.condition(namespace, "shop", "MetricsAvailable").get("status") == "True", within_s=60)


def test_p1_an_api_with_another_exporter_is_observed_and_told_what_it_lacks(operator: Installed, namespace: str) -> None:
    """With prometheus-fastapi-instrumentator alone the status shows rate and latency, names what is missing, and the line that adds it."""
    cluster = operator.cluster
    operator.apply(an_api(namespace, "shop", cluster.image_env | {"EXPORTER": "instrumentator"}), a_tuning(namespace))
    cluster.kubectl("rollout", "status", "deployment/shop", "-n", namespace, "--timeout=60s")
    ((_, address),) = cluster.ready_pods(namespace, "app=shop")
    generation = operator.get("deployment", namespace, "shop")["metadata"]["generation"]

    def told() -> Any:  # noqa: ANN401 - a condition
        httpx.get(f"http://{address}:{PORT}/quick/1")
        found = operator.condition(namespace, "shop", "MetricsAvailable")
        return found.get("reason") == "SignalsMissing" and "requests_rps" not in found["message"] and found

    found = eventually(told, within_s=60)

    assert found["status"] == "False"
    assert found["message"].startswith("prometheus-fastapi-instrumentator has no loop_cpu_cores, loop_lag_mean_s, loop_lag_p99_s, ")
    for words in (
        "pool_wait_mean_s",
        "add `from apituner.fastapi import instrument; instrument(app, engine=engine)` to the API",
        "for in_flight write Instrumentator(should_instrument_requests_inprogress=True)",
        "(metrics of prometheus-fastapi-instrumentator: its latency includes background tasks)",
    ):
        assert words in found["message"]
    observed = operator.status(namespace, "shop")["observed"]
    assert observed["requestsPerSecond"] >= 1
    assert 15 <= observed["latencyMilliseconds"] <= 50
    assert "poolLimit" not in observed
    assert operator.get("deployment", namespace, "shop")["metadata"]["generation"] == generation
    assert "Traceback" not in operator.log()


_SECRET = {"secretKeyRef": {"name": "db", "key": "size"}}


@pytest.mark.parametrize(
    ("reason", "advice", "kind", "shop", "spec"),
    [
        pytest.param("TargetNotFound", "create it", "TargetAvailable", None, {}, id="no such Deployment"),
        pytest.param("ContainerNotFound", "api", "TargetAvailable", {}, {"containerName": "web"}, id="a container of another name"),
        pytest.param("SettingFromSecret", "plain value", "OwnsFields", {"pool": _SECRET}, {}, id="a value from a Secret"),
        pytest.param(
            "SettingFromCommandLine", "drop the flag", "OwnsFields", {"args": ("--workers", "2")}, {}, id="--workers in the arguments"
        ),
        pytest.param(
            "FieldOwnedByOther", "Take", "OwnsFields", {}, {"rollout": {"onConflict": "Yield"}}, id="another owner of the variable"
        ),
        pytest.param("BudgetNotFound", "create it", "WithinBudget", {}, {"connectionBudgetRef": {"name": "none"}}, id="no such budget"),
        pytest.param("UnknownSource", "known are default", "MetricsAvailable", {}, {"metrics": {"source": "other"}}, id="no such source"),
    ],
)
def test_p7_a_fault_is_a_condition_with_advice_within_one_sweep(  # noqa: PLR0913, PLR0917 - a row of a table
    operator: Installed, namespace: str, reason: str, advice: str, kind: str, shop: dict[str, Any] | None, spec: dict[str, Any]
) -> None:
    """Each is told in the status, with the way out, and the shop next door is observed all the same."""
    operator.cluster.kubectl("create", "secret", "generic", "db", "-n", namespace, "--from-literal=size=2")
    manifests = [] if shop is None else [a_shop(namespace, "faulty", **shop)]
    operator.apply(
        *manifests, a_shop(namespace, "fine"), a_tuning(namespace, "fine", mode="Recommend"), a_tuning(namespace, "faulty", **spec)
    )

    found = eventually(
        lambda: (one := operator.condition(namespace, "faulty", kind)).get("reason") == reason and one, within_s=SWEEP_S + LATENCY_S
    )

    assert found["status"] == "False"
    assert advice in found["message"]
    assert eventually(
        lambda: operator.condition(namespace, "fine", "TargetAvailable").get("status") == "True", within_s=SWEEP_S + LATENCY_S
    )
    assert "Traceback" not in operator.log()


def test_p7_rights_taken_away_are_named_and_their_return_is_noticed(operator: Installed, namespace: str) -> None:
    """Without the right to read Deployments the condition names the verb and the way out; restored, the work goes on."""
    operator.apply(a_shop(namespace), a_tuning(namespace, mode="Recommend"))
    eventually(lambda: operator.condition(namespace, "shop", "TargetAvailable").get("status") == "True")
    role = operator.get("clusterrole", "", "apituner")
    without = [rule for rule in role["rules"] if "deployments" not in rule["resources"]]

    operator.cluster.kubectl("patch", "clusterrole/apituner", "--type=merge", "-p", json.dumps({"rules": without}))
    try:
        found = eventually(lambda: (one := operator.condition(namespace, "shop", "TargetAvailable")).get("status") == "False" and one)
    finally:
        operator.cluster.kubectl("patch", "clusterrole/apituner", "--type=merge", "-p", json.dumps({"rules": role["rules"]}))

    assert found["reason"] == "Forbidden"
    assert "deployments" in found["message"]
    eventually(lambda: operator.condition(namespace, "shop", "TargetAvailable").get("status") == "True")
    assert "Traceback" not in operator.log()


def test_it_stops_cleanly_within_five_seconds(operator: Installed) -> None:
    """SIGTERM ends the process by itself, with status 0, in time; a new one takes over."""
    (process,) = eventually(operator.processes, within_s=60)

    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    psutil.wait_procs([process], timeout=10)
    took_s = time.monotonic() - began

    assert took_s < 5
    pods = json.loads(operator.cluster.kubectl("get", "pods", "-n", "apituner", "-o", "json"))["items"]
    ended = eventually(
        lambda: [
            one["lastState"].get("terminated", {}).get("exitCode")
            for pod in json.loads(operator.cluster.kubectl("get", "pods", "-n", "apituner", "-o", "json"))["items"]
            for one in pod["status"]["containerStatuses"]
            if one.get("lastState", {}).get("terminated")
        ]
    )
    assert pods
    assert ended == [0]
    eventually(operator.processes, within_s=60)
