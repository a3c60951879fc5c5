"""Memory to status and back: what outlives a restart is all that matters, to the second and the microsecond."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apituner.api.status import ApiTuningStatus
from apituner.api.words import timestamp
from apituner.core.agreement import Agreement
from apituner.core.blocks import Block
from apituner.core.change import Change, Figures, Outcome
from apituner.core.configuration import Configuration
from apituner.core.diagnosis import Bottleneck
from apituner.core.memory import Memory
from apituner.core.plan import plan
from apituner.core.progress import begun
from apituner.core.stabilization import Enough
from apituner.engine.recall import configuration_fields, memory_fields, memory_of
from apituner.kube.nulls import without_nulls
from builders import NOON, a_configuration, a_situation, a_snapshot

_MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - the zone is given beside
    lambda at: at.replace(microsecond=0)
)
_CONFIGURATIONS = st.builds(
    Configuration,
    replicas=st.integers(0, 1000),
    workers=st.integers(1, 64),
    pool_size=st.integers(1, 1000),
    max_overflow=st.integers(0, 99),
)
_WORDS = st.from_regex(r"[A-Z][a-zA-Z]{0,20}", fullmatch=True)


_SECONDS = st.floats(0, 1000).map(lambda seconds: round(seconds, 3))
_FIGURES = st.builds(Figures.rounded, arrivals_rps=st.floats(0, 1e5), latency_s=st.floats(0, 1000), errors_ratio=st.floats(0, 1))
_CHANGES = st.builds(
    Change,
    plan=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    at=_MOMENTS,
    reason=_WORDS,
    because=st.text(max_size=300),
    outcome=st.sampled_from(Outcome),
    before=_CONFIGURATIONS,
    target=_CONFIGURATIONS,
    through=st.none() | st.integers(1, 1000),
    peak=st.none() | st.integers(0, 10**6),
    seen_before=st.none() | _FIGURES,
    forecast_latency_s=st.none() | _SECONDS,
    outcome_latency_s=st.none() | _SECONDS,
    settled_at=st.none() | _MOMENTS,
    ending_since=st.none() | _MOMENTS,
    reverts=st.none() | st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    template_hash=st.none() | st.from_regex(r"[0-9a-f]{12}", fullmatch=True),
)
_MEMORIES = st.builds(
    Memory,
    bottleneck=st.sampled_from(Bottleneck),
    since=_MOMENTS,
    recommended=st.none(),
    change=st.none() | _CHANGES,
    history=st.lists(_CHANGES.map(lambda change: change.past), max_size=10).map(tuple),
    query_floor_s=st.none() | st.integers(0, 10**9).map(lambda micros: micros / 1e6),
    rollouts=st.lists(_MOMENTS, max_size=10).map(tuple),
    blocks=st.lists(
        st.builds(Block, before=_CONFIGURATIONS, target=_CONFIGURATIONS, until=_MOMENTS, count=st.integers(1, 99)), max_size=10
    ).map(tuple),
    last_known_good=st.none() | _CONFIGURATIONS,
    stair=st.lists(st.builds(Enough, replicas=st.integers(1, 1000), since=_MOMENTS), max_size=10).map(tuple),
    agreement=st.none() | st.builds(Agreement, target=_CONFIGURATIONS, since=_MOMENTS),
)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # ten changes of sixteen fields each take a while
@given(memory=_MEMORIES)
def test_p6_a_memory_comes_back_as_it_was(memory: Memory) -> None:
    """Through a status without nulls, as the API server keeps it; the model accepts every one of them."""
    assert memory.bottleneck is not None
    assert memory.since is not None
    fields = memory_fields(memory) | {
        "diagnosis": {"bottleneck": str(memory.bottleneck), "since": timestamp(memory.since), "because": "", "findings": []}
    }

    kept = without_nulls(fields)

    ApiTuningStatus.model_validate(kept)
    assert memory == memory_of(kept)


def test_an_empty_status_is_an_empty_memory() -> None:
    """What is not there was never known."""
    assert Memory() == memory_of({})


def test_a_bottleneck_that_only_a_newer_version_names_was_never_seen() -> None:
    """After a rollback of the operator the evidence begins anew."""
    memory = memory_of({"diagnosis": {"bottleneck": "NeverHeardOf", "since": "2026-11-23T12:00:00Z", "because": ""}})

    assert memory.bottleneck is None


def test_the_recommendation_is_remembered() -> None:
    """So that it stays as it is while a new one would hardly be better, also after a restart."""
    kept = {"recommendation": {"replicas": 2, "workers": 1, "poolSize": 5, "maxOverflow": 0, "because": "", "plan": "p"}}

    assert a_configuration(2, 1, 5) == memory_of(kept).recommended


_MOMENT = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside


@settings(max_examples=1000, deadline=None)
@given(now=_MOMENT, rps=st.floats(0.001, 1e5), seconds=st.floats(0, 100), errors=st.floats(0, 1), forecast_s=st.floats(0) | st.none())
def test_p6_what_is_remembered_survives_its_own_rounding(
    now: datetime, rps: float, seconds: float, errors: float, forecast_s: float | None
) -> None:
    """Figures and moments of any precision are kept as the status keeps them from the first sweep on, so a restart finds the same."""
    here, target = a_configuration(4), a_configuration(3, pool_size=6)
    situation = replace(a_situation(here), now=now)
    seen = a_snapshot(here, requests_rps=rps, latency_objective_s=seconds, errors_ratio=errors, taken_at=now)
    change = begun(situation, seen, plan(here, target, engines=1, because="a"), reason="PoolStarved", forecast_latency_s=forecast_s)
    memory = (
        Memory()
        .seeing(Bottleneck.POOL_STARVED, now)
        .querying(seconds, now)
        .recommending(target, here, now, now)
        .blocking(change, now)
        .begun(change)
        .recommending(target, here, now, now)
    )
    assert memory.bottleneck is not None
    assert memory.since is not None
    fields = memory_fields(memory) | {
        "diagnosis": {"bottleneck": str(memory.bottleneck), "since": timestamp(memory.since), "because": "", "findings": []},
        "recommendation": configuration_fields(target),
    }

    assert memory == memory_of(without_nulls(fields))


def test_history_never_outgrows_the_schema() -> None:
    """Ten ended changes are kept, the newest first."""
    change = Change(
        plan="p", at=NOON, reason="r", because="", outcome=Outcome.APPLYING, before=a_configuration(), target=a_configuration(2, 1, 5)
    )
    memory = Memory()
    for number in range(15):
        memory = Memory(change=replace(change, plan=f"p{number}"), history=memory.history).ended(Outcome.APPLIED)

    assert [one["plan"] for one in memory_fields(memory)["history"][:2]] == ["p14", "p13"]
    assert len(memory_fields(memory)["history"]) == 10


@pytest.mark.parametrize("text", ["x" * 5000, "é" * 5000], ids=["ascii", "two bytes a letter"])
def test_a_long_reason_is_cut_to_the_schema(text: str) -> None:
    """A status that is refused for its length would take the reason with it."""
    change = Change(
        plan="p", at=NOON, reason="r", because=text, outcome=Outcome.APPLYING, before=a_configuration(), target=a_configuration()
    )

    assert len(memory_fields(Memory(change=change))["lastChange"]["because"]) == 1024
