"""What the API server can say other than yes: five kinds, each with one sentence that names the request and the way out."""

import json
import re
from dataclasses import dataclass
from http import HTTPStatus

_CONFLICT_WITH = re.compile(r'conflicts? with "([^"]+)"')
_LONGEST_QUOTE = 400
"""Characters quoted of an answer: a refused manifest can repeat itself for pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request in the words of RBAC."""

    verb: str
    resource: str
    """Plural, with the subresource: ``deployments/scale``."""
    namespace: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{name}{self.where}"

    @property
    def where(self) -> str:
        """The place, ready to follow the resource."""
        return f" in namespace {self.namespace}" if self.namespace else " in all namespaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldConflict:
    """A field that a server-side apply wanted to change, and the field manager that owns it."""

    manager: str
    field: str


class KubeError(Exception):
    """The API server did not do what was asked."""


class NotFound(KubeError):  # noqa: N818 - named for what happened
    """The object, or its namespace, or its kind does not exist."""


class Forbidden(KubeError):  # noqa: N818 - named for what happened
    """The operator's account may not do this, or an admission rule says no."""


class Conflict(KubeError):  # noqa: N818 - named for what happened
    """The object is not the one that was seen, or fields belong to others: then *fields* names them."""

    def __init__(self, because: str, *, fields: tuple[FieldConflict, ...] = ()) -> None:
        super().__init__(because)
        self.fields = fields


class Invalid(KubeError):  # noqa: N818 - named for what happened
    """The API server understood the request and refuses its content."""


class Unreachable(KubeError):  # noqa: N818 - named for what happened
    """No answer, too late an answer, or one that says "not now": the same request may succeed later."""


def error_of(request: Request, status: int, body: str | None) -> KubeError:
    """The error that an answer with HTTP *status* and *body* stands for."""
    message, causes = _status_object(body)
    quoted = message[:_LONGEST_QUOTE] or f"HTTP {status}"
    match status:
        case 401 | 403:
            return Forbidden(_why_forbidden(request, status, message, quoted))
        case 404:
            return NotFound(f"cannot {request}: {quoted}")
        case 409:
            return Conflict(f"cannot {request}: {quoted}", fields=_field_conflicts(causes))
        case 400 | 405 | 406 | 413 | 415 | 422:
            return Invalid(f"cannot {request}: {quoted}")
        case _:
            return Unreachable(f"cannot {request}: the API server answered {quoted} (HTTP {status}); it is tried again")


def _why_forbidden(request: Request, status: int, message: str, quoted: str) -> str:
    if status == HTTPStatus.UNAUTHORIZED:
        return f"cannot {request}: the API server does not accept the operator's token; restart the pod, or check KUBECONFIG"
    if f"cannot {request.verb} resource" in message:
        way_out = "`helm upgrade` of the apituner release restores the role (this namespace must be among its namespaces)"
        return f"the operator may not {request.verb} {request.resource}{request.where}: {way_out}"
    return f"cannot {request}: {quoted}"  # an admission rule or a quota: its own words say what to do


def _status_object(body: str | None) -> tuple[str, list[dict[str, str]]]:
    """Message and causes of a ``v1.Status``; anything else, such as a proxy's page, is quoted as it is."""
    try:
        status = json.loads(body or "")
    except ValueError:
        return " ".join((body or "").split()), []
    if not isinstance(status, dict):
        return str(status), []
    return str(status.get("message") or ""), (status.get("details") or {}).get("causes") or []


def _field_conflicts(causes: list[dict[str, str]]) -> tuple[FieldConflict, ...]:
    return tuple(
        FieldConflict(manager=_manager_in(cause.get("message", "")), field=cause.get("field", ""))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    )


def _manager_in(message: str) -> str:
    found = _CONFLICT_WITH.search(message)
    return found.group(1) if found else message
