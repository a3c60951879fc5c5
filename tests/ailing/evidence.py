"""By what each sickness is known: figures of one route, per request of it, in the units of their names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was exported of one route since the API began."""

    sums: Mapping[str, float]
    """Sums over all other labels, by name; the time held, by its state."""

    @property
    def requests(self) -> float:
        """How many were counted."""
        return self.sums.get("http_server_request_duration_seconds_count", 0)

    def per_request(self, name: str) -> float:
        """Return a sum for each request."""
        return self.sums.get(name, 0.0) / self.requests


def _unused_s(figures: Figures) -> float:
    return figures.per_request("apituning_db_connection_unused_seconds_total")


def _holding_call_s(figures: Figures) -> float:
    return figures.per_request("apituning_external_call_while_holding_seconds_total")


def _statements(figures: Figures) -> float:
    while_building = figures.per_request("apituning_db_operations_while_building_total")
    return figures.per_request("apituning_db_operations_per_request_sum") - while_building


EVIDENCE: Mapping[str, Callable[[Figures], bool]] = {
    "/blocked": lambda figures: figures.per_request("held:blocked") > 0.05,
    "/threads": lambda figures: figures.per_request("apituning_threadpool_wait_seconds_total") > 0.03,
    "/heavy": lambda figures: figures.per_request("apituning_response_serialization_seconds_sum") > 0.03,
    "/lazy": lambda figures: figures.per_request("apituning_db_operations_while_building_total") >= 2,
    "/many-queries": lambda figures: _statements(figures) >= 10,
    "/starved": lambda figures: figures.per_request("apituning_db_connection_wait_seconds_total") > 0.03,
    "/long-transaction": lambda figures: _unused_s(figures) - _holding_call_s(figures) > 0.05,
    "/call-in-transaction": lambda figures: _holding_call_s(figures) > 0.05,
    "/slow-downstream": lambda figures: figures.per_request("apituning_external_call_seconds_total") - _holding_call_s(figures) > 0.2,
    "/no-timeout": lambda figures: figures.per_request("apituning_external_calls_without_timeout_total") > 0,
    "/background": lambda figures: figures.per_request("apituning_background_task_seconds_total") > 0.05,
    "/broken-contract": lambda figures: figures.per_request("apituning_response_contract_violations_total") > 0,
}
"""Each route's own sickness; `/healthy` has none."""
