"""The spec of a ConnectionBudget: one database's connections, shared by the ApiTunings that name it."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from apituner.api.rules import Part, Rule
from apituner.api.words import Label

CONNECTIONS_MOST = 100_000
NAMESPACES_MOST = 100

_HAS_A_LIMIT = Rule(
    cel="self >= 1",
    message="must be at least 1: an unlimited budget protects no database; write the server's own limit, as SHOW max_connections tells it",
    holds=lambda connections: connections >= 1,
)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("names a namespace twice: write each once")
    return names


class ConnectionBudgetSpec(Part):
    """How many connections a database accepts, and how many of them are not for the tuned APIs."""

    rules: ClassVar = (
        Rule(
            cel="self.reserved < self.maxConnections",
            message="reserved must be less than maxConnections, or nothing is left to grant: lower reserved or raise maxConnections",
            holds=lambda budget: budget.reserved < budget.max_connections,
        ),
    )

    max_connections: Annotated[int, Field(strict=True, le=CONNECTIONS_MOST), _HAS_A_LIMIT]
    """The most connections that the database server accepts: max_connections of PostgreSQL, or the limit of the proxy in front of it."""
    # PostgreSQL keeps three for superusers (superuser_reserved_connections), whatever else connects.
    reserved: Annotated[int, Field(strict=True, ge=0, le=CONNECTIONS_MOST)] = 3
    """Connections left to people, jobs, migrations and every program that no ApiTuning of this budget speaks for."""
    allowed_namespaces: Annotated[
        tuple[Label, ...],
        Field(max_length=NAMESPACES_MOST, json_schema_extra={"x-kubernetes-list-type": "set"}),
        AfterValidator(_each_once),
    ] = ()
    """Namespaces, besides the budget's own, whose ApiTunings may draw on it."""
