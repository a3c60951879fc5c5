"""Who checks: it takes what was sampled, leaves it for later, and counts what came of it."""

import logging
import time
from typing import NamedTuple

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.operations.contract.backlog import Backlog
from apituner.fastapi.operations.contract.bodies import Skipped
from apituner.fastapi.operations.contract.check import ContractCheck
from apituner.fastapi.operations.contract.deviations import Deviation
from apituner.fastapi.operations.contract.documents import read_documents
from apituner.fastapi.operations.contract.sampling import Sample, Sampler
from apituner.fastapi.operations.contract.verdicts import Judge
from apituner.fastapi.requests.exchange import Application, Ended, Receive, Scope, Send
from apituner.fastapi.seldom import Seldom

_log = logging.getLogger("apituner.fastapi")

# A violation lasts until somebody deploys; how often it happens is in the metric.
_REPORT_EVERY_S = 600.0


class _Answer(NamedTuple):
    """A response that is to be checked."""

    sample: Sample
    template: str
    label: str
    method: str


class Checker:
    """Checks the responses of one application."""

    def __init__(self, app: object, settings: ContractCheck, signals: Signals) -> None:
        self._app = app
        self._settings = settings
        self._signals = signals
        self._judge: Judge | None = None
        self._seldom = Seldom(every_s=_REPORT_EVERY_S)
        self._backlog = Backlog(self.check)
        self.sampler = Sampler(share=settings.share, largest_bytes=settings.largest_bytes)

    def read(self, ended: Ended, template: str) -> None:
        """Leave a finished response for its check, if it was sampled. On the event loop's thread."""
        sample = ended.body
        # Another status is that of a response that broke off: the client went away, or the application failed.
        if not isinstance(sample, Sample) or sample.status != ended.status or not template:
            return
        label = self._signals.route_label.value(template)
        if not self._backlog.leave(_Answer(sample=sample, template=template, label=label, method=ended.method)):
            self._signals.defaults.contract_skipped.of(label, "busy").add(1)

    def lifespan(self, app: Application) -> Application:
        """Return *app*, with whose lifespan the thread ends, too."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            self._backlog.start()
            try:
                await app(scope, receive, send)
            finally:
                self._backlog.stop()

        return watched

    def check(self, answer: _Answer) -> None:
        """Check one response; whatever is wrong with us or with a schema must not become the API's fault. On the backlog's thread."""
        try:
            self._check(answer)
        except Exception as error:  # noqa: BLE001 - see above
            self._signals.defaults.contract_skipped.of(answer.label, "error").add(1)
            if self._seldom.due((answer.label, ""), time.monotonic()):
                # Not its text, which may quote what was sent.
                _log.warning("responses of %s %s cannot be checked (%s)", answer.method, answer.label, type(error).__name__)

    def _check(self, answer: _Answer) -> None:
        if self._judge is None:
            self._judge = self._with_documents()
        verdict = self._judge.verdict(answer.sample, answer.template, answer.method)
        counts = self._signals.defaults
        if verdict is None:
            return
        if isinstance(verdict, Skipped):
            counts.contract_skipped.of(answer.label, verdict.reason).add(1)
            return
        counts.contract_checks.of(answer.label).add(1)
        if isinstance(verdict, Deviation):
            field = self._signals.field_label.value(verdict.field)
            counts.contract_violations.of(answer.label, field).add(1)
            self._report(answer, field, verdict.expected)

    def _report(self, answer: _Answer, field: str, expected: str) -> None:
        if self._seldom.due((answer.label, field), time.monotonic()):
            _log.warning(
                "a response of %s %s (%d) is not as the OpenAPI document says: %s, expected %s",
                answer.method,
                answer.label,
                answer.sample.status,
                field,
                expected,
            )

    def _with_documents(self) -> Judge:
        documents = read_documents(self._app)
        # Without a document there is nothing to check by, and the event loop need not choose any more.
        self.sampler.active = len(documents) > 0
        return Judge(documents, self._settings.largest_bytes)
