"""The node keeps the promises that a kubelet makes and that the operator, its chart and the demo rely on."""

import functools
import json
import time
import urllib.parse
import urllib.request
from typing import Any

import pytest

from cluster import LocalCluster

WITHIN_S = 30.0
WEB = "import http.server, os; http.server.HTTPServer((os.environ['IP'], 8000), http.server.SimpleHTTPRequestHandler).serve_forever()"
MY_IP = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
READY_AT_ONCE = {"httpGet": {"port": 8000}, "periodSeconds": 1}


def a_pod(name: str, *containers: dict[str, Any], **spec: object) -> dict[str, Any]:
    """A Pod; containers are named c0, c1, ... unless they say otherwise."""
    named = [{"name": f"c{i}", "image": "none"} | container for i, container in enumerate(containers)]
    grace = {"terminationGracePeriodSeconds": 5}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": grace | {"containers": named} | spec,
    }


def runs(script: str, **container: object) -> dict[str, Any]:
    """A container that runs a Python script."""
    return {"command": ["python", "-c", script]} | container


def apply(cluster: LocalCluster, namespace: str, *objects: dict[str, Any]) -> None:
    """Create *objects*."""
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


def status_of(cluster: LocalCluster, namespace: str, pod: str) -> dict[str, Any]:
    """The pod's status."""
    status: dict[str, Any] = cluster.get("pod", pod, "-n", namespace)["status"]
    return status


def container_of(cluster: LocalCluster, namespace: str, pod: str) -> dict[str, Any]:
    """The first container's status, empty as long as there is none."""
    return next(iter(status_of(cluster, namespace, pod).get("containerStatuses", [])), {})


def wait_for_phase(cluster: LocalCluster, namespace: str, pod: str, phase: str) -> None:
    """Wait until the pod is in *phase*."""
    cluster.wait_for(lambda: status_of(cluster, namespace, pod)["phase"] == phase, f"{pod} to be {phase}", within_s=WITHIN_S)


def test_every_form_of_environment_reaches_the_process(cluster: LocalCluster, namespace: str) -> None:
    """Values, references to ConfigMaps, Secrets and fields, envFrom with a prefix, and $(VAR) in values, command and args."""
    script = "import json, os, sys; print(json.dumps({'env': dict(os.environ), 'args': sys.argv[1:]}))"
    container = {
        "command": ["python", "-c", script, "$(PLAIN)"],
        "args": ["$(BOTH)", "$$(PLAIN)", "$(UNKNOWN)"],
        "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "CM_"}, {"secretRef": {"name": "keys"}}],
        "env": [
            {"name": "PLAIN", "value": "one"},
            {"name": "BOTH", "value": "$(PLAIN)-$(CM_colour)"},
            {"name": "FROM_MAP", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
            {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
            {"name": "ABSENT", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "size", "optional": True}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
            MY_IP,
        ],
        "resources": {"limits": {"cpu": "250m"}},
    }
    apply(
        cluster, namespace,
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"password": "s3cret"}},
        a_pod("env", container, restartPolicy="Never"),
    )  # fmt: skip
    wait_for_phase(cluster, namespace, "env", "Succeeded")

    seen = json.loads(cluster.logs(namespace, "env"))
    pod_ip = status_of(cluster, namespace, "env")["podIP"]
    wanted = {
        "PLAIN": "one", "BOTH": "one-blue", "FROM_MAP": "blue", "FROM_SECRET": "s3cret", "NODE": "local", "APP": "env", "IP": pod_ip,
        "LIMIT": "250", "CM_colour": "blue", "password": "s3cret",
    }  # fmt: skip
    assert seen["args"] == ["one", "one-blue", "$(PLAIN)", "$(UNKNOWN)"]
    assert wanted == {name: seen["env"][name] for name in wanted}
    assert {"HOME", "IP", "KUBECONFIG", "LANG", "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "TMPDIR"} == set(seen["env"]) - set(wanted) | {
        "IP"
    }


def test_a_missing_config_map_keeps_the_container_waiting_until_it_appears(cluster: LocalCluster, namespace: str) -> None:
    """CreateContainerConfigError names what is missing; no restart is needed once it is there."""
    container = runs("import os; print(os.environ['colour'])", envFrom=[{"configMapRef": {"name": "later"}}])
    apply(cluster, namespace, a_pod("waiting", container, restartPolicy="Never"))

    def reason() -> str | None:
        waiting: dict[str, str] = container_of(cluster, namespace, "waiting").get("state", {}).get("waiting", {})
        return waiting.get("reason")

    cluster.wait_for(lambda: reason() == "CreateContainerConfigError", "CreateContainerConfigError", within_s=WITHIN_S)
    assert container_of(cluster, namespace, "waiting")["state"]["waiting"]["message"] == 'configmap "later" not found'

    cluster.kubectl("create", "configmap", "later", "-n", namespace, "--from-literal=colour=green")

    wait_for_phase(cluster, namespace, "waiting", "Succeeded")
    assert cluster.logs(namespace, "waiting") == "green\n"


def test_a_rollout_replaces_pods_without_a_gap(cluster: LocalCluster, namespace: str) -> None:
    """A Deployment's new pods become ready by their probe before the old ones go; Prometheus is told of them by annotations."""
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": a_pod("web", runs(WEB, env=[MY_IP], readinessProbe=READY_AT_ONCE))["spec"],
    }
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    spec["strategy"] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    apply(cluster, namespace, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")
    before = cluster.ready_pods(namespace, "app=web")

    cluster.kubectl("set", "env", "deployment/web", "-n", namespace, "COLOUR=red")
    counts = []

    def replaced() -> bool:
        ready = cluster.ready_pods(namespace, "app=web")
        counts.append(len(ready))
        return not set(before) & set(ready)

    cluster.wait_for(replaced, "all pods to be new", within_s=WITHIN_S)
    cluster.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=30s")

    after = cluster.ready_pods(namespace, "app=web")
    assert min(counts) >= 2
    assert len(after) == 2
    assert len({ip for _, ip in before + after}) == 4, "an address came back at once"
    for _, ip in after:
        with urllib.request.urlopen(f"http://{ip}:8000/") as answer:
            assert answer.status == 200


def test_a_crash_loop_is_told_as_by_a_kubelet(cluster: LocalCluster, namespace: str) -> None:
    """Restart counts grow, the last exit code stays visible, and all runs can be read."""
    apply(cluster, namespace, a_pod("crash", runs("print('again'); raise SystemExit(3)")))

    def looping() -> bool:
        container = container_of(cluster, namespace, "crash")
        return container.get("restartCount", 0) >= 2 and "waiting" in container["state"]

    cluster.wait_for(looping, "a crash loop", within_s=WITHIN_S)
    container = container_of(cluster, namespace, "crash")
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert (container["lastState"]["terminated"]["exitCode"], container["lastState"]["terminated"]["reason"]) == (3, "Error")
    assert not container["ready"]
    assert cluster.logs(namespace, "crash").count("again") >= 3


def test_a_program_that_does_not_exist_is_a_start_error(cluster: LocalCluster, namespace: str) -> None:
    """The status names the program that was not found."""
    apply(cluster, namespace, a_pod("absent", {"command": ["no-such-program"]}, restartPolicy="Never"))
    wait_for_phase(cluster, namespace, "absent", "Failed")

    ended = container_of(cluster, namespace, "absent")["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert "no-such-program" in ended["message"]


def test_deletion_runs_the_hook_then_asks_then_kills(cluster: LocalCluster, namespace: str) -> None:
    """The preStop hook comes first, then SIGTERM; who ignores that is killed when the grace is over, with all it started."""
    polite = "import signal, time\nsignal.signal(15, lambda *_: (print('asked'), exit(0)))\nprint('up')\nwhile True: time.sleep(1)"
    stubborn = (
        "import signal, subprocess, time\nsignal.signal(15, signal.SIG_IGN)\n"
        "print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)\nwhile True: time.sleep(1)"
    )
    hook = {"preStop": {"exec": {"command": ["python", "-c", "import pathlib; pathlib.Path('hooked').touch(); print(1)"]}}}
    apply(
        cluster, namespace,
        a_pod("polite", runs(polite, lifecycle=hook), terminationGracePeriodSeconds=20),
        a_pod("sleepy", runs(polite, lifecycle={"preStop": {"sleep": {"seconds": 2}}}), terminationGracePeriodSeconds=20),
        a_pod("stubborn", runs(stubborn), terminationGracePeriodSeconds=2),
    )  # fmt: skip
    for pod in ("polite", "sleepy", "stubborn"):
        cluster.wait_for(functools.partial(cluster.logs, namespace, pod), f"{pod} to run", within_s=WITHIN_S)
    took = {}
    for pod in ("polite", "sleepy", "stubborn"):
        began = time.monotonic()
        cluster.kubectl("delete", "pod", pod, "-n", namespace, "--wait=true", "--timeout=30s")
        took[pod] = time.monotonic() - began

    assert cluster.logs(namespace, "polite") == "up\nasked\n"
    assert took["polite"] < 2.0
    assert 2.0 <= took["sleepy"] < 4.0
    assert 2.0 <= took["stubborn"] < 4.0
    child = int(cluster.logs(namespace, "stubborn"))
    cluster.wait_for(lambda: not alive(child), "the child to be gone", within_s=5)


def alive(pid: int) -> bool:
    """Whether *pid* is a process that still runs."""
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 -- not a file of ours
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_failed_liveness_probe_restarts_the_container(cluster: LocalCluster, namespace: str) -> None:
    """Three failures in a row end the container; its restart is counted, and the other container of the pod is left alone."""
    probe = {"exec": {"command": ["test", "!", "-e", "broken"]}, "periodSeconds": 1, "failureThreshold": 3}
    # The first run breaks, the second mends.
    script = (
        "import pathlib, time\nfirst, broken = pathlib.Path('first'), pathlib.Path('broken')\n"
        "if first.exists(): broken.unlink()\nelse: first.touch(), broken.touch()\nwhile True: time.sleep(1)"
    )
    apply(cluster, namespace, a_pod("sick", runs(script, livenessProbe=probe), runs("import time; time.sleep(1000)")))

    def restarts() -> list[int]:
        return [c["restartCount"] for c in status_of(cluster, namespace, "sick").get("containerStatuses", [])]

    cluster.wait_for(lambda: restarts()[:1] >= [1], "a restart", within_s=WITHIN_S)
    assert restarts()[1] == 0
    assert container_of(cluster, namespace, "sick")["lastState"]["terminated"]["exitCode"] in (143, 137)


def test_init_containers_and_the_startup_probe_come_first(cluster: LocalCluster, namespace: str) -> None:
    """Containers start once the init containers are done, and liveness is not asked before the startup probe has succeeded."""
    there = {"exec": {"command": ["test", "-e", "started"]}, "periodSeconds": 1}
    slow = runs(
        "import pathlib, time; print(pathlib.Path('prepared').exists())\n"
        "time.sleep(2.5); pathlib.Path('started').touch(); time.sleep(1000)",
        startupProbe=there | {"failureThreshold": 20},
        livenessProbe=there | {"failureThreshold": 1},
    )
    first = {"name": "first", "image": "none"} | runs("import pathlib, time; time.sleep(1); pathlib.Path('prepared').touch()")
    apply(cluster, namespace, a_pod("slow", slow, initContainers=[first]))

    cluster.wait_for(lambda: cluster.ready_pods(namespace, "app=slow"), "readiness", within_s=WITHIN_S)
    status = status_of(cluster, namespace, "slow")
    assert status["containerStatuses"][0]["restartCount"] == 0
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert cluster.logs(namespace, "slow", container="c0") == "True\n"


def test_a_cpu_limit_throttles(cluster: LocalCluster, namespace: str) -> None:
    """A busy loop under a limit of 0.2 cores gets about that; where this user may set no limits, the node has said so."""
    script = "import time\nt = time.monotonic()\nwhile time.monotonic() < t + 2: pass\nprint(time.process_time() / 2)"
    apply(cluster, namespace, a_pod("busy", runs(script, resources={"limits": {"cpu": "200m"}}), restartPolicy="Never"))
    wait_for_phase(cluster, namespace, "busy", "Succeeded")

    enforced = "CPU limits of pods are not enforced" not in cluster.log("node")
    assert float(cluster.logs(namespace, "busy")) < (0.35 if enforced else 1.1)


def test_a_pod_acts_as_its_service_account(cluster: LocalCluster, namespace: str) -> None:
    """A token bound to the pod is what its kubeconfig holds: RBAC lets it do what its roles allow, and nothing else."""
    cluster.kubectl("create", "serviceaccount", "reader", "-n", namespace)
    cluster.kubectl("create", "rolebinding", "reader", "-n", namespace, "--clusterrole=view", f"--serviceaccount={namespace}:reader")
    script = (
        "import os, stat, subprocess\n"
        "def k(*a): return subprocess.run(['kubectl', *a], capture_output=True, text=True)\n"
        "print(k('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}').stdout)\n"
        "print(k('get', 'pod', 'reader', '-o', 'name').stdout.strip())\n"
        "print(k('get', 'secrets').stderr.strip())\n"
        "print(oct(stat.S_IMODE(os.stat(os.environ['KUBECONFIG']).st_mode)))\n"
    )
    apply(
        cluster, namespace,
        a_pod("reader", runs(script), restartPolicy="Never", serviceAccountName="reader"),
        a_pod("nobody", runs("import os; print('KUBECONFIG' in os.environ)"), restartPolicy="Never", automountServiceAccountToken=False),
    )  # fmt: skip
    for name in ("reader", "nobody"):
        wait_for_phase(cluster, namespace, name, "Succeeded")

    user, pod, refusal, mode = cluster.logs(namespace, "reader").splitlines()
    assert user == f"system:serviceaccount:{namespace}:reader"
    assert pod == "pod/reader"
    assert "cannot list resource" in refusal
    assert mode == "0o600"
    assert cluster.logs(namespace, "nobody") == "False\n"


def test_prometheus_scrapes_an_annotated_pod(cluster: LocalCluster, namespace: str) -> None:
    """Its series carry the namespace and the pod; two declared ports do not make two targets."""
    script = (
        "import os, prometheus_client, time\nprometheus_client.Gauge('node_test', 'For a test').set(7)\n"
        "prometheus_client.start_http_server(9464, os.environ['IP'])\nwhile True: time.sleep(1)"
    )
    pod = a_pod("scraped", runs(script, env=[MY_IP], ports=[{"containerPort": 8000}, {"containerPort": 9464}]))
    pod["metadata"]["annotations"] = {"prometheus.io/scrape": "true", "prometheus.io/port": "9464", "prometheus.io/path": "/metrics"}
    apply(cluster, namespace, pod)
    query = urllib.parse.urlencode({"query": f'node_test{{namespace="{namespace}"}}'})

    def found() -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{cluster.prometheus.url}/api/v1/query?{query}") as answer:  # noqa: S310 -- our own server
            result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return result

    cluster.wait_for(lambda: bool(found()), "a scrape", within_s=WITHIN_S)
    (series,) = found()
    assert series["value"][1] == "7"
    assert (series["metric"]["pod"], series["metric"]["instance"]) == (
        "scraped",
        f"{status_of(cluster, namespace, 'scraped')['podIP']}:9464",
    )


@pytest.mark.parametrize("fault", ["kill", "pause"])
def test_pods_outlive_a_fault_of_the_api_server(cluster: LocalCluster, namespace: str, fault: str) -> None:
    """They run on meanwhile, and the node is heard again afterwards: new pods start, and no old one was restarted."""
    apply(cluster, namespace, a_pod("steady", runs(WEB, env=[MY_IP], readinessProbe=READY_AT_ONCE)))
    cluster.wait_for(lambda: bool(cluster.ready_pods(namespace, "app=steady")), "readiness", within_s=WITHIN_S)
    if fault == "kill":
        cluster.apiserver.kill()
        cluster.apiserver.start()
    else:
        cluster.apiserver.pause()
        time.sleep(3)
        cluster.apiserver.resume()

    apply(cluster, namespace, a_pod("later", runs(WEB, env=[MY_IP], readinessProbe=READY_AT_ONCE)))
    cluster.wait_for(lambda: bool(cluster.ready_pods(namespace, "app=later")), "a new pod", within_s=WITHIN_S)
    assert container_of(cluster, namespace, "steady")["restartCount"] == 0
    assert cluster.ready_pods(namespace, "app=steady")
