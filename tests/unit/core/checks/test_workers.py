"""What is found of workers, at the edge of each threshold."""

from dataclasses import replace
from typing import Any

import pytest

from apituner.core.diagnosis import Bottleneck, Remark, Verdict
from apituner.core.snapshot import Signal
from builders import a_configuration, a_policy
from looks import FAIL, MET, MIB, PASS, UNKNOWN, WARN, looked


@pytest.mark.parametrize(
    ("expected", "readings", "limit_cores"),
    [
        pytest.param(PASS, {"throttled_ratio": 0.1}, 1.0, id="in one period of ten"),
        pytest.param(FAIL, {"throttled_ratio": 0.45}, 1.0, id="in nearly half of them: a tenth of the latency"),
        pytest.param(WARN, {"throttled_ratio": 0.2, "cpu_cores": 0.1}, 1.0, id="so seldom that it does not matter"),
        pytest.param(WARN, MET | {"throttled_ratio": 0.9}, 1.0, id="the objective is met"),
        pytest.param(PASS, {"throttled_ratio": 0.9}, None, id="without a limit there is no throttling"),
        pytest.param(UNKNOWN, {}, 1.0, id="not reported"),
    ],
)
def test_cpu_throttled(expected: Verdict, readings: dict[str, Any], limit_cores: float | None) -> None:
    """Stopped at the limit in more than a tenth of the periods."""
    assert expected is looked(Bottleneck.CPU_THROTTLED, readings, workload={"cpu_limit_cores": limit_cores}).verdict


STOPS: dict[str, Any] = {"loop_blocked_ratio": 0.2, "loop_lag_p99_s": 0.3}


@pytest.mark.parametrize(
    ("expected", "readings"),
    [
        pytest.param(FAIL, STOPS, id="a fifth of the time"),
        pytest.param(PASS, STOPS | {"loop_blocked_ratio": 0.05}, id="no more than the objective forgives of requests"),
        pytest.param(PASS, STOPS | {"loop_blocked_ratio": 0.07}, id="less than 0.3 of what keeps the loop"),
        pytest.param(PASS, STOPS | {"loop_lag_p99_s": 0.05}, id="for 50 ms"),
        pytest.param(FAIL, STOPS | {"loop_lag_p99_s": 0.2}, id="for longer"),
        pytest.param(PASS, STOPS | {"cpu_cores": 1.0}, id="half of the cores are in use: busy, not blocked"),
        pytest.param(WARN, STOPS | {"latency_mean_s": 1.2}, id="it is little of the latency"),
    ],
)
def test_loop_blocked(expected: Verdict, readings: dict[str, Any]) -> None:
    """Often, long, and without using the CPU."""
    assert expected is looked(Bottleneck.LOOP_BLOCKED, readings).verdict


def test_a_loop_that_is_blocked_within_the_objective() -> None:
    """Worth mending all the same."""
    patient = {"objective": replace(a_policy().objective, latency_s=0.5)}

    assert WARN is looked(Bottleneck.LOOP_BLOCKED, STOPS | MET, policy=patient).verdict


@pytest.mark.parametrize(
    ("expected", "readings", "limit_cores", "workers"),
    [
        pytest.param(FAIL, MET | {"cpu_cores": 1.3}, 1.0, 1, id="65 % of two workers' cores: no headroom, though the objective is met"),
        pytest.param(PASS, {"cpu_cores": 1.29}, 1.0, 1, id="a little less"),
        pytest.param(FAIL, {"cpu_cores": 0.65}, 0.5, 1, id="a limit of half a core is reached sooner"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, 1.0, 2, id="two workers share the limit of one pod"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, 8.0, 1, id="a worker is one loop on one core, however high the limit"),
        pytest.param(FAIL, {"cpu_cores": 1.3}, None, 1, id="no limit: one core each"),
        pytest.param(PASS, {"loop_lag_mean_s": 0.05}, 1.0, 1, id="a fifth of the objective to wait for a turn"),
        pytest.param(FAIL, {"loop_lag_mean_s": 0.051}, 1.0, 1, id="more than that"),
        pytest.param(PASS, STOPS | {"loop_lag_mean_s": 0.079}, 1.0, 1, id="more, but that is the blocked loop's"),
        pytest.param(WARN, MET | {"loop_lag_mean_s": 0.06, "latency_objective_s": 0.05}, 1.0, 1, id="late, and the objective is met"),
    ],
)
def test_worker_cpu(expected: Verdict, readings: dict[str, Any], limit_cores: float | None, workers: int) -> None:
    """Utilization is measured against what a worker may use."""
    at = a_configuration(workers=workers, pool_size=10)

    assert expected is looked(Bottleneck.WORKER_CPU, readings, at=at, workload={"cpu_limit_cores": limit_cores}).verdict


@pytest.mark.parametrize(
    ("expected", "limit_cores"),
    [pytest.param("more replicas", 1.0, id="no core is free"), pytest.param("more workers", 2.0, id="one core is")],
)
def test_worker_cpu_advises_what_there_is_room_for(expected: str, limit_cores: float) -> None:
    """Workers where the limit leaves a core, else replicas."""
    assert expected in looked(Bottleneck.WORKER_CPU, {"cpu_cores": 1.8}, workload={"cpu_limit_cores": limit_cores}).advice


@pytest.mark.parametrize(
    ("expected", "workers", "limit_cores", "blocked"),
    [
        pytest.param(PASS, 1, 0.5, 0.0, id="one worker on half a core"),
        pytest.param(WARN, 2, 1.0, 0.0, id="two on one"),
        pytest.param(PASS, 2, 1.5, 0.0, id="two on one and a half"),
        pytest.param(PASS, 4, 1.0, 0.2, id="four on one, while loops stand blocked"),
        pytest.param(PASS, 4, None, 0.0, id="no limit"),
    ],
)
def test_workers_exceed_cpu(expected: Verdict, workers: int, limit_cores: float | None, blocked: float) -> None:
    """A worker needs a core of its own, unless its loop stands still anyway."""
    at = a_configuration(workers=workers, pool_size=10)
    readings = {"loop_blocked_ratio": blocked}

    assert expected is looked(Remark.WORKERS_EXCEED_CPU, readings, at=at, workload={"cpu_limit_cores": limit_cores}).verdict


@pytest.mark.parametrize(
    ("expected", "readings", "memory"),
    [
        pytest.param(PASS, {}, 512 * MIB, id="plenty"),
        pytest.param(FAIL, {"worker_rss_max_bytes": 90 * MIB}, 100 * MIB, id="nine tenths are in use"),
        pytest.param(FAIL, {"pod_rss_max_bytes": 90 * MIB}, 100 * MIB, id="nine tenths, as the pod tells"),
        pytest.param(WARN, MET | {"pod_rss_max_bytes": 90 * MIB}, 100 * MIB, id="nine tenths, and the objective is met"),
        pytest.param(PASS, {"worker_rss_max_bytes": 90 * MIB}, 150 * MIB, id="another worker would not fit, but none is wanted"),
        pytest.param(WARN, {"worker_rss_max_bytes": 90 * MIB, "cpu_cores": 1.8}, 150 * MIB, id="CPU is short, and another would not fit"),
        pytest.param(WARN, STOPS | {"worker_rss_max_bytes": 90 * MIB}, 150 * MIB, id="loops stand blocked, and another would not fit"),
        pytest.param(PASS, {"worker_rss_max_bytes": 90 * MIB, "cpu_cores": 1.8}, 200 * MIB, id="CPU is short, and another fits exactly"),
        pytest.param(PASS, {}, None, id="no limit"),
    ],
)
def test_memory_limits_workers(expected: Verdict, readings: dict[str, Any], memory: float | None) -> None:
    """A limit that is nearly met, or that keeps a worker out that would help."""
    assert expected is looked(Bottleneck.MEMORY_LIMITS_WORKERS, readings, workload={"memory_limit_bytes": memory}).verdict


def test_memory_by_what_the_pod_tells_alone() -> None:
    """The pod's memory is shared out over its workers; nothing is known where neither is told."""
    told = looked(Bottleneck.MEMORY_LIMITS_WORKERS, {"pod_rss_max_bytes": 90 * MIB}, absent=(Signal.WORKER_RSS_MAX_BYTES,))

    assert "1 workers use 90 MiB of 512 MiB, 90 MiB the largest" in told.because
    assert UNKNOWN is looked(Bottleneck.MEMORY_LIMITS_WORKERS, absent=(Signal.WORKER_RSS_MAX_BYTES,)).verdict


@pytest.mark.parametrize(
    ("expected", "background_s"),
    [
        pytest.param(PASS, 0.0, id="none"),
        pytest.param(PASS, 0.0044, id="less than a fifth of a worker's time"),
        pytest.param(WARN, 0.0045, id="a fifth, and the loop turns all the same"),
    ],
)
def test_background_work(expected: Verdict, background_s: float) -> None:
    """Tasks behind the response share the loop."""
    assert expected is looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, {"background_mean_s": background_s}).verdict


def test_background_work_that_fills_the_loop_explains_the_lag() -> None:
    """Most of what is under way is background work, and what is ready waits for it; with an idle API nothing is under way at all."""
    late = {"background_mean_s": 3.0, "loop_lag_mean_s": 0.04}
    found = looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, late)

    assert (FAIL, True) == (found.verdict, (found.explains_ratio or 0) > 0.4)
    idle = {"background_mean_s": 0.0, "latency_mean_s": 0.0, "loop_lag_mean_s": 0.0}
    assert looked(Bottleneck.BACKGROUND_WORK_IN_PROCESS, idle).explains_ratio == 0
