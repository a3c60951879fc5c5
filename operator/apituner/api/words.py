"""The scalars of the resources: names with their patterns, and texts and moments that always fit into a status."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from apituner.api.rules import Rule

GROUP, VERSION = "apituner.dev", "v1alpha1"

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_VARIABLE = "[A-Z][A-Z0-9_]*"
# These steer the interpreter, the loader, the platform or the instrumentation: a number in them breaks a pod or runs foreign code.
_DENIED_PREFIXES = ("LD_", "DYLD_", "PYTHON", "KUBERNETES_", "PROMETHEUS_", "APITUNING_")
_DENIED_NAMES = ("PATH", "HOME", "USER", "SHELL", "PWD", "HOSTNAME", "TMPDIR", "PORT", "GUNICORN_CMD_ARGS")


def _denied(name: str) -> bool:
    return name in _DENIED_NAMES or name.startswith(_DENIED_PREFIXES)


def _matching(pattern: str, message: str) -> Rule:
    return Rule(cel=f"self.matches('^{pattern}$')", message=message, holds=lambda text: re.fullmatch(pattern, text) is not None)


_NAMES_A_SETTING = Rule(
    cel=" && ".join(
        [
            "!(self in [" + ", ".join(f"'{name}'" for name in _DENIED_NAMES) + "])",
            *(f"!self.startsWith('{prefix}')" for prefix in _DENIED_PREFIXES),
        ]
    ),
    message="this variable steers the process or the platform and is never written: "
    "name the variable that your API reads for this setting, such as WEB_CONCURRENCY or DB_POOL_SIZE",
    holds=lambda name: not _denied(name),
)

Variable = Annotated[
    str,
    Field(max_length=64),
    _matching(_VARIABLE, "must be upper-case letters, digits and underscores, beginning with a letter: write it as in WEB_CONCURRENCY"),
    _NAMES_A_SETTING,
]
"""An environment variable that carries a whole number."""

Label = Annotated[
    str,
    Field(max_length=63),
    _matching(
        _LABEL,
        "must be lower-case letters, digits and hyphens, beginning and ending with a letter or digit: write it as in orders-api",
    ),
]
"""A name as Kubernetes gives it to containers and namespaces (RFC 1123 label)."""

ObjectName = Annotated[
    str,
    Field(max_length=253),
    _matching(
        f"{_LABEL}([.]{_LABEL})*",
        "must be the bare name of an object, in lower-case letters, digits, hyphens and dots: write it as in orders-api, "
        "without a kind or a namespace in front",
    ),
]
"""A name as Kubernetes gives it to objects (RFC 1123 subdomain)."""

SourceName = Annotated[
    str,
    Field(max_length=63),
    _matching(
        _LABEL,
        "must be the name of a metrics source in the operator's own configuration: write default, or the name that whoever runs it gave; "
        "an address is not accepted here",
    ),
]
"""A metrics source by name: an address in a resource would let its author make the operator call any address in the cluster."""


def _cut(most: int) -> BeforeValidator:
    def cut(value: Any) -> Any:  # noqa: ANN401 - what is no text is left to the validation behind
        return value[: most - 1] + "…" if isinstance(value, str) and len(value) > most else value

    return BeforeValidator(cut)


# A status must never be refused for its length: what is too long is cut, and says so by its last character.
SENTENCE_MOST = 1024
WORD_MOST = 128
Sentence = Annotated[str, Field(max_length=SENTENCE_MOST), _cut(SENTENCE_MOST)]
"""A reported text."""
Word = Annotated[str, Field(max_length=WORD_MOST), _cut(WORD_MOST)]
"""A reported CamelCase reason, plan name or cell of the table."""


def at_most(most: int) -> BeforeValidator:
    """Cut a reported list after *most* entries, so that a status is never refused for its length."""

    def cut(value: Any) -> Any:  # noqa: ANN401 - what is no sequence is left to the validation behind
        return value[:most] if isinstance(value, list | tuple) else value

    return BeforeValidator(cut)


def _to_the_second(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_to_the_second)]
"""A reported time: UTC, to the second, as Kubernetes writes its own."""


def timestamp(at: datetime) -> str:
    """Return *at* as Kubernetes writes times: UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
