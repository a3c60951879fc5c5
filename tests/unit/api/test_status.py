"""A status is never refused for its length, and reads back as it was written."""

from datetime import datetime, timedelta, timezone

import pytest

import schemas
import statuses
from apituner.api.conditions import Condition, ConditionStatus
from apituner.api.diagnoses import FINDINGS_MOST, DecisionReport, DiagnosisReport
from apituner.api.status import ApiTuningStatus
from apituner.api.words import SENTENCE_MOST
from apituner.core.decision import DecisionKind
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import HISTORY_MOST
from apituner.engine.registry import Kind


def test_a_status_reads_back_as_it_was_written() -> None:
    """Nothing is lost between the model, JSON and the model."""
    full = statuses.a_full_status()

    assert full == ApiTuningStatus.model_validate_json(full.model_dump_json(by_alias=True))


def test_a_status_is_written_in_the_words_of_the_resource() -> None:
    """Also the two words that Python cannot spell."""
    written = statuses.a_full_status().model_dump(mode="json", by_alias=True)

    assert {"replicas": 4, "workers": 1, "poolSize": 5, "maxOverflow": 10} == written["lastChange"]["from"] == written["lastChange"]["to"]
    assert written["conditions"][0]["lastTransitionTime"] == "2026-11-23T12:00:00Z"


def test_a_text_that_is_too_long_is_cut_and_says_so() -> None:
    """The API server would refuse the whole status, and with it the reason why nothing happens."""
    decision = DecisionReport(kind=DecisionKind.HOLD, reason="x" * 1000, because="é" * 5000)

    assert len(decision.because) == SENTENCE_MOST
    assert decision.because.endswith("é…")
    assert decision.reason.endswith("x…")


def test_a_list_that_is_too_long_is_cut() -> None:
    """The first entries stay: they are the newest."""
    history = statuses.a_full_status().history

    assert len(ApiTuningStatus(history=history * 3).history) == HISTORY_MOST


def test_times_are_written_in_utc_to_the_second() -> None:
    """As Kubernetes writes its own, so that equal times are equal texts."""
    elsewhere = datetime(2026, 11, 23, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    condition = Condition(type="Ready", status=ConditionStatus.TRUE, reason="Ok", message="", last_transition_time=elsewhere)

    assert condition.model_dump(mode="json")["last_transition_time"] == "2026-11-23T12:00:00Z"


def test_what_a_newer_operator_wrote_is_read_over() -> None:
    """A rollback of the operator must not stumble over the status that it finds."""
    assert ApiTuningStatus() == ApiTuningStatus.model_validate({"somethingNew": 1})


@pytest.mark.parametrize("word", list(Bottleneck))
def test_every_bottleneck_of_the_core_can_be_reported(word: Bottleneck) -> None:
    """A word that the CRD does not know would make the API server refuse the whole status."""
    full = statuses.a_full_status().diagnosis
    assert full is not None
    diagnosis = DiagnosisReport(bottleneck=word, because="", findings=full.findings * 3)

    assert len(diagnosis.findings) == FINDINGS_MOST
    schemas.check_status(Kind.TUNING, {"diagnosis": diagnosis.model_dump(mode="json", by_alias=True, exclude_none=True)})
