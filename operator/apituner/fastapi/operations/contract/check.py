"""The switch: which share of responses is checked, and what is not checked at all."""

from dataclasses import dataclass

# A check of 60 KB takes about 1 ms, and 5 ms where one of 2,000 items differs; of 245 KB it is 3 ms and 15 ms. For most of that no other
# thread runs, the event loop's neither (measured on one machine; jsonschema-rs 0.61, Python 3.11).
_LARGEST_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCheck:
    """
    Check a sample of real responses against the app's own OpenAPI document, in a thread of its own; needs ``apituner[contract]``.

        instrument(app, contract=ContractCheck())

    FastAPI validates what a route returns, but not a Response that is returned as it is, nor what a middleware or an exception handler
    makes of it. Each violation is counted by route and field in ``apituning_response_contract_violations_total``, and logged now and then
    with what the document expected; no value of a response is in either. The field is ``$.lines[].sku`` (a place in the body, with ``*``
    for a name that is not declared), ``body`` (no JSON), ``content-type`` or ``status`` (not declared). Of each response the first
    difference counts.

    Not checked: routes that are not in the document; requests, headers and WebSockets; bodies that are not JSON, that are longer than
    *largest_bytes*, or that are encoded otherwise than by gzip or deflate; formats (``date-time``), which JSON Schema takes for remarks;
    fields that are not declared, unless the schema forbids them; a 5xx that is not declared, for a fault is no answer; responses that the
    client did not wait for; mounted apps without an OpenAPI document. Documents are read once, with the first sample.

    Raises ValueError for a share or size that cannot be; `instrument` raises ImportError without jsonschema-rs, and TypeError for an app
    that has no OpenAPI document.
    """

    share: float = 0.01
    """
    Of all responses, from 0 to 1; besides, of each route and status one response a minute, so that rare ones are seen.

    1 % of 500 requests per second are 5 checks, of .05 ms for 2 KB of JSON and of 1 ms for 60 KB (measured): half a percent of a core.
    """
    largest_bytes: int = _LARGEST_BYTES
    """The longest body that is checked; longer ones are counted in ``apituning_response_contract_skipped_total``."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"ContractCheck.share is {self.share}: give a share of responses from 0 to 1, such as 0.01")
        if self.largest_bytes < 1:
            raise ValueError(f"ContractCheck.largest_bytes is {self.largest_bytes}: give a number of bytes of at least 1")
