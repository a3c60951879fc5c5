"""What the operator may do: exactly the calls that it makes."""

from collections.abc import Callable
from typing import Any

import pytest

Documents = list[dict[str, Any]]
Render = Callable[..., Documents]

# One line a resource: whoever adds a right adds the line, and says why in the chart.
RIGHTS = {
    ("apituner.dev", "apitunings"): {"get", "list", "watch"},
    ("apituner.dev", "apitunings/status"): {"patch"},
    ("apituner.dev", "connectionbudgets"): {"get", "list", "watch"},
    ("apituner.dev", "connectionbudgets/status"): {"patch"},
    ("apps", "deployments"): {"get", "patch"},
    ("apps", "deployments/scale"): {"get", "patch"},
    ("autoscaling", "horizontalpodautoscalers"): {"list"},
    ("events.k8s.io", "events"): {"create"},
}


def rights(role: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """The verbs of a role by group and resource."""
    return {
        (group, resource): set(rule["verbs"]) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
    }


def of_kind(documents: Documents, kind: str) -> Documents:
    """The documents of one kind."""
    return [document for document in documents if document["kind"] == kind]


def test_a_cluster_wide_operator_may_do_what_it_does_and_no_more(render: Render) -> None:
    """No wildcard, no secret, no pod."""
    (role,) = of_kind(render(), "ClusterRole")

    assert rights(role) == RIGHTS


def test_an_operator_for_some_namespaces_may_do_the_same_only_there(render: Render) -> None:
    """A Role in each namespace, bound to the one account, and nothing for the whole cluster."""
    documents = render('watchNamespaces=["shop","billing"]')

    assert {role["metadata"]["namespace"]: rights(role) for role in of_kind(documents, "Role")} == {"shop": RIGHTS, "billing": RIGHTS}
    assert {binding["metadata"]["namespace"] for binding in of_kind(documents, "RoleBinding")} == {"shop", "billing"}
    assert of_kind(documents, "ClusterRole") + of_kind(documents, "ClusterRoleBinding") == []


@pytest.mark.parametrize("values", [pytest.param([], id="cluster-wide"), pytest.param(['watchNamespaces=["shop"]'], id="one namespace")])
def test_the_rights_go_to_the_account_that_the_pod_runs_as(render: Render, values: list[str]) -> None:
    """Wherever the release is, and whatever the account is called."""
    documents = render(*values, 'serviceAccount.name="tuning"')
    (binding,) = of_kind(documents, "ClusterRoleBinding") + of_kind(documents, "RoleBinding")
    (deployment,) = of_kind(documents, "Deployment")

    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "tuning", "namespace": "ops"}]
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == "tuning"


def test_no_other_pod_gets_the_token_unasked(render: Render) -> None:
    """The account does not hand it out; the operator's pod asks for it."""
    documents = render()
    (account,) = of_kind(documents, "ServiceAccount")
    (deployment,) = of_kind(documents, "Deployment")

    assert account["automountServiceAccountToken"] is False
    assert deployment["spec"]["template"]["spec"]["automountServiceAccountToken"] is True
