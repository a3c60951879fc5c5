"""What the chart installs, by real helm."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

import resources

Documents = list[dict[str, Any]]
Render = Callable[..., Documents]
LABELS = {f"app.kubernetes.io/{name}" for name in ("name", "instance", "version", "component", "part-of", "managed-by")} | {"helm.sh/chart"}


def the(documents: Documents, kind: str) -> dict[str, Any]:
    """The only document of a kind."""
    (document,) = (document for document in documents if document["kind"] == kind)
    return document


def container(documents: Documents) -> dict[str, Any]:
    """The operator's container."""
    (only,) = the(documents, "Deployment")["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def environment(documents: Documents) -> dict[str, Any]:
    """The operator's variables: a value, or the field that it comes from."""
    return {
        one["name"]: one.get("value") or one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath", "")
        for one in container(documents)["env"]
    }


def test_an_address_is_all_that_must_be_given(render: Render) -> None:
    """One account, its rights, one Deployment, one Service, and the two kinds."""
    kinds = sorted(document["kind"] for document in render())

    assert kinds == [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "CustomResourceDefinition",
        "Deployment",
        "Service",
        "ServiceAccount",
    ]


def test_one_operator_decides(render: Render) -> None:
    """Two at once would each spend the same connections."""
    spec = the(render(), "Deployment")["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 10


def test_the_operator_is_told_what_the_values_say(render: Render) -> None:
    """Every setting reaches the process by its environment."""
    documents = render(
        'sweep={"intervalSeconds":5,"windowSeconds":30}', 'log.format="text"', 'watchNamespaces=["shop","billing"]', "service.port=9000"
    )

    assert environment(documents) == {
        "APITUNER_PROMETHEUS_URL": "http://prometheus.monitoring:9090",
        "APITUNER_SWEEP_SECONDS": "5",
        "APITUNER_WINDOW_SECONDS": "30",
        "APITUNER_NAMESPACES": "shop,billing",
        "APITUNER_LOG_FORMAT": "text",
        "APITUNER_LISTEN_PORT": "9000",
        "APITUNER_LISTEN_HOST": "status.podIP",
        "POD_NAME": "metadata.name",
    }
    assert container(documents)["command"] == ["python", "-m", "apituner", "run"]


def test_more_variables_can_be_added(render: Render) -> None:
    """A proxy or a certificate bundle needs no fork of the chart."""
    assert environment(render('extraEnv=[{"name":"SSL_CERT_FILE","value":"/ca.pem"}]'))["SSL_CERT_FILE"] == "/ca.pem"


def test_the_pod_keeps_to_the_restricted_standard(render: Render) -> None:
    """A namespace that enforces the restricted Pod Security Standard admits it."""
    documents = render()
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(documents)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert [volume["name"] for volume in pod["volumes"] if "emptyDir" not in volume] == []


def test_the_kubelet_asks_the_operator_how_it_is(render: Render) -> None:
    """A stuck operator is restarted; one that has not seen the world yet is not ready."""
    operator = container(render())

    assert operator["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    assert operator["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert operator["ports"] == [{"name": "http", "containerPort": 8080}]
    assert operator["resources"]["limits"]["memory"] == "256Mi"


def test_the_service_and_the_deployment_select_the_same_pods(render: Render) -> None:
    """By labels that do not change with the version: a selector cannot."""
    documents = render()
    labels = the(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [the(documents, "Deployment")["spec"]["selector"]["matchLabels"], the(documents, "Service")["spec"]["selector"]]

    assert selectors[0] == selectors[1] == {"app.kubernetes.io/name": "apituner", "app.kubernetes.io/instance": "tuner"}
    assert selectors[0].items() <= labels.items()


def test_a_label_of_the_user_cannot_take_the_pod_from_its_selector(render: Render) -> None:
    """The chart's own labels win."""
    documents = render('podLabels={"app.kubernetes.io/name":"other","team":"shop"}')
    labels = the(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]

    assert (labels["app.kubernetes.io/name"], labels["team"]) == ("apituner", "shop")


def test_every_object_carries_the_recommended_labels(render: Render) -> None:
    """So that tools can tell what belongs together."""
    lacking = [document["metadata"]["name"] for document in render() if not document["metadata"]["labels"].keys() >= LABELS]

    assert lacking == []


@pytest.mark.parametrize("plural", ["apitunings", "connectionbudgets"])
def test_the_crds_are_those_of_the_repository(render: Render, plural: str) -> None:
    """And they stay when the release goes, because every object of their kinds would go with them."""
    (crd,) = (document for document in render() if document["metadata"]["name"] == f"{plural}.apituner.dev")
    written = yaml.safe_load((resources.ROOT / "crds" / f"{plural}.yaml").read_text(encoding="utf-8"))

    assert crd["spec"] == written["spec"]
    assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_the_crds_can_be_left_to_somebody_else(render: Render) -> None:
    """Where teams may not install kinds, an administrator applies crds/."""
    assert "CustomResourceDefinition" not in {document["kind"] for document in render("crds.install=false")}
