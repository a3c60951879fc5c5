"""Statuses in which every field is written and every list is as long as it may be."""

from datetime import UTC, datetime

from apituner.api import changes, conditions, diagnoses, pace, seen, status
from apituner.core.blocks import BLOCKS_MOST
from apituner.core.decision import DecisionKind
from apituner.core.diagnosis import Bottleneck, Check, Verdict
from apituner.core.memory import HISTORY_MOST, Outcome
from apituner.core.stabilization import STAIR_MOST

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _configuration() -> changes.ConfigurationReport:
    return changes.ConfigurationReport(replicas=4, workers=1, pool_size=5, max_overflow=10)


def _conditions() -> tuple[conditions.Condition, ...]:
    return tuple(
        conditions.Condition(
            type=kind,
            status=conditions.ConditionStatus.TRUE,
            reason="AsItShould",
            message="as it should be",
            last_transition_time=NOON,
            observed_generation=3,
        )
        for kind in conditions.ConditionType
    )


def _past_change() -> changes.PastChangeReport:
    return changes.PastChangeReport(
        plan="a1b2c3",
        at=NOON,
        reason="PoolStarved",
        outcome=Outcome.IMPROVED,
        before=_configuration(),
        target=_configuration(),
        forecast_milliseconds=180,
        outcome_milliseconds=150,
        forecast_error_percent=20,
        reverts="d4e5f6",
    )


def _change() -> changes.ChangeReport:
    return changes.ChangeReport(
        **dict(_past_change()),
        because="the pool was starved",
        through_replicas=3,
        connections_at_peak=56,
        seen_before=changes.FiguresReport(requests_per_minute=7092, latency_milliseconds=640, errors_per_thousand=3),
        settled_at=NOON,
        ending_since=NOON,
        template_hash="0123456789ab",
    )


def _pace() -> pace.PaceReport:
    return pace.PaceReport(
        rollouts=(NOON,) * HISTORY_MOST,
        enough=(pace.EnoughReport(replicas=3, since=NOON),) * STAIR_MOST,
        agreement=pace.AgreementReport(target=_configuration(), since=NOON),
    )


def a_full_status() -> status.ApiTuningStatus:
    """An ApiTuning's status with every field written."""
    finding = diagnoses.FindingReport(
        check=Check.DATABASE_ACCESS,
        verdict=Verdict.FAIL,
        reason="PoolStarved",
        because="waits 410 ms",
        advice="a larger pool",
        explains_percent=87,
    )
    rejected = changes.RejectedReport(**_configuration().model_dump(), because="forecast 640 ms")
    return status.ApiTuningStatus(
        observed_generation=3,
        conditions=_conditions(),
        summary=seen.Summary(replicas="4→2", workers="1", pool="5→14", latency="640ms", objective="250ms"),
        current=seen.Current(replicas=4, ready_replicas=4, workers=1, pool_size=5, max_overflow=0),
        observed=seen.Observed(**dict.fromkeys(seen.Observed.model_fields, 7)),
        diagnosis=diagnoses.DiagnosisReport(
            bottleneck=Bottleneck.POOL_STARVED,
            since=NOON,
            because="a request waits 410 ms for a connection",
            findings=(finding,) * diagnoses.FINDINGS_MOST,
        ),
        decision=diagnoses.DecisionReport(kind=DecisionKind.HOLD, reason="CoolingDown", because="300 s left", retry_after_seconds=300),
        recommendation=changes.RecommendationReport(
            **_configuration().model_dump(),
            because="the cheapest that meets 250 ms",
            plan="a1b2c3",
            steps=("pool 5→14", "replicas 4→2") * (changes.STEPS_MOST // 2),
            forecast=changes.ForecastReport(**dict.fromkeys(changes.ForecastReport.model_fields, 42)),
            rejected=(rejected,) * changes.REJECTED_MOST,
        ),
        last_change=_change(),
        history=(_past_change(),) * HISTORY_MOST,
        blocks=(pace.BlockReport(before=_configuration(), target=_configuration(), until=NOON, count=2),) * BLOCKS_MOST,
        last_known_good=_configuration(),
        pace=_pace(),
        baseline=seen.Baseline(query_microseconds=1800),
    )


def a_full_budget_status() -> status.ConnectionBudgetStatus:
    """A ConnectionBudget's status with every field written."""
    grant = status.Grant(namespace="shop", name="orders", connections=42, at_peak=56)
    return status.ConnectionBudgetStatus(limit=90, granted=(grant,) * status.GRANTS_MOST, free=-1, conditions=_conditions())
