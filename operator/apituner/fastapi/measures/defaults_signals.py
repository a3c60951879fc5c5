"""What the operational defaults see: whether the API is ready, and whether its responses are what its OpenAPI document says."""

from apituner.fastapi.measures.tallies import Tallies

_ROUTE = ("http_route",)


class DefaultsSignals:
    """The metrics of operational defaults; without a series while a default is off."""

    def __init__(self, tallies: Tallies) -> None:
        self.ready = tallies.least_gauge(
            "apituning_ready", "1 where a readiness check held when it was last asked, 0 where it did not.", ("check",)
        )
        self.contract_checks = tallies.counter(
            "apituning_response_contract_checks_total", "Responses that were checked against the OpenAPI document.", _ROUTE
        )
        self.contract_skipped = tallies.counter(
            "apituning_response_contract_skipped_total",
            "Responses that were sampled and not checked, by why: size, encoding, unseen, fault, error, busy.",
            (*_ROUTE, "reason"),
        )
        self.contract_violations = tallies.counter(
            "apituning_response_contract_violations_total",
            "Responses that were checked and are not as documented, by the first place where they differ.",
            (*_ROUTE, "field"),
        )
