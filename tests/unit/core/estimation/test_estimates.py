"""All that is known of one API: what it learns from, and what it does not."""

from dataclasses import replace

import pytest

from apituner.core.estimation.estimates import Estimates
from apituner.core.snapshot import Absence, Signal, Snapshot
from apituner.core.workload import Workload
from builders import a_configuration, a_policy, a_snapshot
from lives import AT_REST, after, instant, windows


def _cpu_s(known: Estimates) -> float:
    assert known.demands.cpu is not None
    return known.demands.cpu.value


def test_windows_add_up() -> None:
    """Twenty windows of the starved API: 4.4 ms of CPU per request, known to 6 %."""
    known = after(Estimates(), *windows(20))

    assert known.demands.cpu is not None
    assert known.demands.cpu.estimate.value == pytest.approx(0.4 / 90)
    assert known.demands.cpu.estimate.windows == 20
    assert known.demands.cpu.estimate.relative_error < 0.06
    assert known.arrivals.present_rps == 90
    assert known.queries.floor_s == pytest.approx(0.035)
    assert known.at == instant(15 * 19)


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(a_snapshot(taken_at=instant(285)), id="the same again"),
        pytest.param(a_snapshot(taken_at=instant(290), cpu_cores=9), id="the same again, but for 5 s"),
        pytest.param(a_snapshot(taken_at=instant(270), cpu_cores=9), id="one that was overtaken"),
        pytest.param(a_snapshot(taken_at=instant(300), absent={Signal.CPU_CORES: Absence.STALE}), id="a signal is missing"),
        pytest.param(a_snapshot(taken_at=instant(300), cpu_cores=float("nan")), id="a figure is no number"),
        pytest.param(a_snapshot(taken_at=instant(300), pods_reporting=1), id="a pod is silent"),
        pytest.param(a_snapshot(taken_at=instant(300), requests_rps=1), id="too few requests"),
        pytest.param(a_snapshot(taken_at=instant(300), worker_rss_max_bytes=1e200), id="a figure that nobody can believe"),
    ],
)
def test_what_teaches_nothing_changes_nothing(seen: Snapshot) -> None:
    """A window with a gap, or one that is not later than the last, leaves the very same value."""
    known = after(Estimates(), *windows(20))

    assert known == after(known, seen)


@pytest.mark.parametrize(
    ("expected", "workload"),
    [
        pytest.param(None, replace(AT_REST, rolled_out_at=instant(-100)), id="a window that reaches into the first minute of the pods"),
        pytest.param(1, replace(AT_REST, rolled_out_at=instant(-120)), id="a window of pods that are all a minute old"),
        pytest.param(None, replace(AT_REST, rolled_out_at=None), id="nobody knows how old they are"),
        pytest.param(None, replace(AT_REST, updated_replicas=1), id="a rollout is under way"),
    ],
)
def test_warm_up_is_not_what_a_request_takes(expected: int | None, workload: Workload) -> None:
    """Imports and cold caches cost ten times the CPU; but who comes, and how long statements take, is learnt all the same."""
    known = after(Estimates(), *windows(1), workload=workload)

    assert expected == (known.demands.cpu and known.demands.cpu.windows)
    assert known.arrivals.present_rps == 90
    assert known.queries.floor_s is not None


def test_a_pod_more_is_given_its_minute() -> None:
    """Two minutes after a third pod came, windows hold only warm pods again."""
    three = replace(AT_REST, replicas=3, ready_replicas=3, updated_replicas=3, total_replicas=3)
    known = after(Estimates(), *windows(4))
    cold = [a_snapshot(a_configuration(3), taken_at=instant(60 + 15 * i), cpu_cores=4.0) for i in range(8)]
    warm = a_snapshot(a_configuration(3), taken_at=instant(180), cpu_cores=0.4)

    assert known.demands == after(known, *cold, workload=three).demands
    assert _cpu_s(after(known, *cold, warm, workload=three)) == pytest.approx(0.4 / 90)


def test_another_program_is_learnt_anew() -> None:
    """A new template that is not ours: nothing is known of what a request takes, all is of the database and of who comes."""
    known = after(Estimates(), *windows(20))
    released = after(known, a_snapshot(taken_at=instant(300)), workload=replace(AT_REST, template_hash="b", updated_replicas=0))

    assert released.demands.cpu is None
    assert released.queries.buckets
    assert len(released.arrivals.recent) > 1


def test_our_own_template_is_the_same_program() -> None:
    """Settings change what a configuration gives, not what a request takes."""
    known = after(Estimates(), *windows(20))
    moved = after(known, a_snapshot(taken_at=instant(300)), workload=replace(AT_REST, template_hash="b", updated_replicas=0), ours=True)

    assert known.demands == moved.demands
    assert moved.template_hash == "b"


def test_an_unread_template_changes_nothing() -> None:
    """Not to know the hash is not to know of a release."""
    known = after(Estimates(), *windows(20))

    assert after(known, a_snapshot(taken_at=instant(300)), workload=replace(AT_REST, template_hash=None)).demands.cpu is not None


def test_hours_without_a_window_make_less_sure_and_no_more() -> None:
    """What a request takes is remembered, with a larger error; of the last minute's load nothing is."""
    known = after(Estimates(), *windows(20))
    later = after(known, a_snapshot(taken_at=instant(6 * 3600), cpu_cores=0.44))

    assert _cpu_s(later) == pytest.approx(0.44 / 90, rel=0.02)
    assert len(later.arrivals.recent) == 1


def test_a_clock_that_was_set_back_is_followed() -> None:
    """A window from a year ahead must not keep out all that come after it: what hangs on the time starts anew, demands stay."""
    known = after(Estimates(), *windows(20), *windows(1, from_s=365 * 86_400))
    back = after(known, *windows(5, from_s=300))

    assert back.at == instant(360)
    assert _cpu_s(back) == pytest.approx(0.4 / 90)
    assert back.arrivals.present_rps == 90
    assert len(back.arrivals.recent) == 5


def test_statements_of_others_count_for_the_database() -> None:
    """The exporter tells how many run at once in all; without it, only ours are known."""
    alone = after(Estimates(), *windows(1))
    shared = after(Estimates(), *windows(1, db_active=10))

    assert [90 * 0.035] == [bucket.running for _, bucket in alone.queries.buckets]
    assert [10] == [bucket.running for _, bucket in shared.queries.buckets]
    assert (0, 10 - 90 * 0.035) == pytest.approx((alone.others_running, shared.others_running))


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(a_snapshot(queries_rps=0.001), id="fewer than one a window"),
        pytest.param(a_snapshot(queries_rps=0, query_mean_s=0), id="none"),
    ],
)
def test_a_window_without_statements_says_nothing_of_the_database(seen: Snapshot) -> None:
    """Its mean is that of nothing."""
    assert Estimates().queries == after(Estimates(), seen).queries


def test_an_api_without_a_pool_is_known_all_the_same() -> None:
    """Signals that it does not have are not missed."""
    pool = [signal for signal in Signal if signal.startswith(("pool", "quer"))]
    seen = a_snapshot(absent=dict.fromkeys(pool, Absence.NO_SERIES))
    policy = replace(a_policy(connection_limit=None), knobs={knob: bounds for knob, bounds in a_policy().knobs.items() if knob != "pool"})
    known = Estimates().seeing(seen, a_configuration(), AT_REST, policy)

    assert known.demands.cpu is not None
    assert (None, None, None) == (known.demands.acquisitions, known.demands.hold, known.demands.query)


def test_demand_does_not_explode_at_night() -> None:
    """Workers that idle at 20 millicores each: from 200 requests per second to 3, a request keeps taking 4 ms."""
    known = Estimates()
    for i in range(600):
        load = 200 * 0.99 ** min(i, 420)
        figures = {"requests_rps": load, "cpu_cores": 0.004 * load + 2 * 0.02, "loop_cpu_cores": 0.003 * load}
        known = after(known, *windows(1, from_s=15.0 * i, **figures))

    assert _cpu_s(known) == pytest.approx(0.004, rel=0.15)


def test_what_cannot_be_both_is_not_counted_twice() -> None:
    """Loops that ran for 1.8 of 2 seconds stood still for at most the other .2, whatever counts as blocked."""
    known = after(Estimates(), *windows(1, loop_cpu_cores=1.8, loop_blocked_ratio=0.5))

    assert known.demands.blocked is not None
    assert known.demands.blocked.value == pytest.approx(0.2 / 90)


def test_memory_is_the_most_of_late() -> None:
    """The largest worker counts, and what a pod holds beyond its workers."""
    mib = 2.0**20
    first = a_snapshot(worker_rss_max_bytes=200 * mib, pod_rss_max_bytes=230 * mib)
    known = after(Estimates(), first, a_snapshot(taken_at=instant(15), worker_rss_max_bytes=90 * mib))

    assert known.demands.worker_bytes is not None
    assert known.demands.base_bytes is not None
    assert known.demands.worker_bytes.value == pytest.approx(200 * mib, rel=1e-3)
    assert known.demands.base_bytes.value == pytest.approx(30 * mib)
