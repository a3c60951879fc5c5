"""Whether a response is as declared: its status, its content type, its body."""

from apituner.fastapi.operations.contract.bodies import NotJson, Skipped, sent
from apituner.fastapi.operations.contract.deviations import Deviation
from apituner.fastapi.operations.contract.documents import Declared, Document, Documents, Undeclared
from apituner.fastapi.operations.contract.sampling import Sample
from apituner.fastapi.operations.contract.schemas import Schemas

_FAULT = 500
_WITHOUT_BODY = frozenset({204, 205, 304})


class Fits:
    """A response that is as declared."""


FITS = Fits()


class Judge:
    """Compares responses with documents. For one thread."""

    def __init__(self, documents: Documents, largest_bytes: int) -> None:
        self._documents = documents
        self._largest_bytes = largest_bytes
        self._schemas: dict[str, Schemas] = {}

    def verdict(self, sample: Sample, template: str, method: str) -> Fits | Deviation | Skipped | None:
        """Compare; None where no document has the route. Raises ValueError where the schema is none."""
        declared = self._documents.response(template, method, sample.status)
        if declared is None:
            return None
        if isinstance(declared, Undeclared):
            return _undeclared(declared, sample.status)
        if method == "HEAD" or sample.status in _WITHOUT_BODY or not declared.schemas:
            return FITS
        media_type = _bare(sample.content_type)
        found = next((name for name in declared.schemas if _bare(name) in _matching(media_type)), None)
        if found is None:
            return Deviation(field="content-type", expected=" or ".join(declared.schemas))
        is_json = media_type == "application/json" or media_type.endswith("+json")
        return self._body(sample, declared, found) if is_json else FITS

    def _body(self, sample: Sample, declared: Declared, media_type: str) -> Fits | Deviation | Skipped:
        body = sent(sample, self._largest_bytes)
        if isinstance(body, Skipped):
            return body
        if isinstance(body, NotJson):
            return Deviation(field="body", expected="JSON")
        if (pointer := declared.schemas[media_type]) is None:
            return FITS
        return self._of(declared.document).deviation(pointer, body.value) or FITS

    def _of(self, document: Document) -> Schemas:
        if (known := self._schemas.get(document.prefix)) is None:
            known = self._schemas[document.prefix] = Schemas(document)
        return known


def _undeclared(declared: Undeclared, status: int) -> Deviation | Skipped:
    if status >= _FAULT:
        return Skipped(reason="fault")
    return Deviation(field="status", expected=f"one of {', '.join(declared.statuses)}")


def _bare(media_type: str) -> str:
    """Without parameters such as the charset."""
    return media_type.partition(";")[0].strip().lower()


def _matching(media_type: str) -> tuple[str, ...]:
    """What may be declared of it, a document's wildcards included."""
    return media_type, f"{media_type.partition('/')[0]}/*", "*/*"
