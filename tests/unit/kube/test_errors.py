"""What the API server says becomes one of five errors with a sentence."""

import json

import pytest

from apituner.kube.errors import Conflict, FieldConflict, Forbidden, Invalid, KubeError, NotFound, Request, Unreachable, error_of

_REQUEST = Request(verb="patch", resource="deployments", namespace="shop", name="orders")
_RBAC = (
    'deployments.apps "orders" is forbidden: User "system:serviceaccount:ops:apituner" cannot patch resource "deployments" '
    'in API group "apps" in the namespace "shop"'
)


def a_status(message: str, **details: object) -> str:
    """Return the body of a refusal."""
    return json.dumps({"kind": "Status", "message": message, "details": details})


@pytest.mark.parametrize(
    ("kind", "sentence", "status", "body"),
    [
        pytest.param(
            Forbidden,
            "the operator may not patch deployments in namespace shop: `helm upgrade` of the apituner release restores the role "
            "(this namespace must be among its namespaces)",
            403,
            a_status(_RBAC),
            id="the role is missing",
        ),
        pytest.param(
            Forbidden,
            "cannot patch deployments orders in namespace shop: denied by policy apituner-knobs-only",
            403,
            a_status("denied by policy apituner-knobs-only"),
            id="an admission rule speaks for itself",
        ),
        pytest.param(
            Forbidden,
            "cannot patch deployments orders in namespace shop: the API server does not accept the operator's token; "
            "restart the pod, or check KUBECONFIG",
            401,
            a_status("Unauthorized"),
            id="the token has expired",
        ),
        pytest.param(NotFound, "cannot patch deployments orders in namespace shop: gone", 404, a_status("gone"), id="not there"),
        pytest.param(Invalid, "cannot patch deployments orders in namespace shop: bad", 422, a_status("bad"), id="refused content"),
        pytest.param(
            Unreachable,
            "cannot patch deployments orders in namespace shop: the API server answered too many requests (HTTP 429); it is tried again",
            429,
            a_status("too many requests"),
            id="busy",
        ),
        pytest.param(
            Unreachable,
            "cannot patch deployments orders in namespace shop: the API server answered <html> no </html> (HTTP 502); it is tried again",
            502,
            "<html>\n no\n</html>",
            id="a proxy's page",
        ),
        pytest.param(
            Unreachable,
            "cannot patch deployments orders in namespace shop: the API server answered HTTP 503 (HTTP 503); it is tried again",
            503,
            None,
            id="no body at all",
        ),
    ],
)
def test_an_answer_becomes_an_error(kind: type[KubeError], sentence: str, status: int, body: str | None) -> None:
    """What is wrong, where, and what to do."""
    error = error_of(_REQUEST, status, body)

    assert (kind, sentence) == (type(error), str(error))


def test_a_conflict_names_the_fields_of_others() -> None:
    """Only then is it a question of ownership; a stale resource version has no fields."""
    field = '.spec.template.spec.containers[name="api"].env[name="DB_POOL_SIZE"].value'
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-set" using apps/v1', "field": field}

    owned, stale = error_of(_REQUEST, 409, a_status("Apply failed", causes=[cause])), error_of(_REQUEST, 409, a_status("modified"))

    assert isinstance(owned, Conflict)
    assert owned.fields == (FieldConflict(manager="kubectl-set", field=field),)
    assert isinstance(stale, Conflict)
    assert stale.fields == ()
