"""A container that is held back at its CPU limit knows it."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.signals import Signals
from apituner.fastapi.workers.throttling import Throttling, ThrottlingClock, own_cpu_stat, read_throttling


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param(
            Throttling(periods=73, throttled_periods=66, throttled_s=2.5),
            "usage_usec 900\nnr_periods 73\nnr_throttled 66\nthrottled_usec 2500000\n",
            id="version 2, in microseconds",
        ),
        pytest.param(
            Throttling(periods=73, throttled_periods=66, throttled_s=2.5),
            "nr_periods 73\nnr_throttled 66\nthrottled_time 2500000000\n",
            id="version 1, in nanoseconds",
        ),
        pytest.param(Throttling(), "usage_usec 900\nuser_usec 800\n", id="without a limit there are no periods"),
    ],
)
def test_cpu_stat_is_read_in_both_versions(expected: Throttling, text: str, tmp_path: Path) -> None:
    """The same words with other units."""
    file = tmp_path / "cpu.stat"
    file.write_text(text, encoding="ascii")
    assert expected == read_throttling(file)


def test_a_file_that_is_gone_is_no_throttling(tmp_path: Path) -> None:
    """It cannot be known, and the API must not suffer from that."""
    assert Throttling() == read_throttling(tmp_path / "cpu.stat")


@pytest.mark.parametrize(
    ("expected", "membership", "files"),
    [
        pytest.param("cpu.stat", "0::/", ["cpu.stat"], id="version 2 in a container"),
        pytest.param("pods/a/cpu.stat", "0::/pods/a", ["cpu.stat", "pods/a/cpu.stat"], id="version 2 outside of a container"),
        pytest.param("cpu.stat", "0::/../../pods/a", ["cpu.stat"], id="version 2 with a path that leads out of the container"),
        pytest.param(
            "cpu/pods/a/cpu.stat", "1:cpu:/pods/a\n0::/", ["cpu.stat", "cpu/pods/a/cpu.stat"], id="both, of which version 1 has the cpu"
        ),
        pytest.param("cpu,cpuacct/cpu.stat", "4:cpu,cpuacct:/docker/b", ["cpu,cpuacct/cpu.stat"], id="version 1 in a container"),
        pytest.param(None, "0::/pods/a", [], id="nothing mounted"),
        pytest.param(None, None, ["cpu.stat"], id="no control groups at all"),
    ],
)
def test_the_own_group_is_found(expected: str | None, membership: str | None, files: list[str], tmp_path: Path) -> None:
    """By its path where that leads somewhere, else the root of what is mounted."""
    mounted = tmp_path / "mounted"
    for name in files:
        (mounted / name).parent.mkdir(parents=True, exist_ok=True)
        (mounted / name).touch()
    if membership is not None:
        (tmp_path / "cgroup").write_text(membership, encoding="utf-8")
    found = own_cpu_stat(tmp_path / "cgroup", mounted)
    assert (mounted / expected if expected else None) == found


def test_throttling_is_counted_once_whoever_leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the container's; who takes the lead over does not count again what was counted before."""
    file = tmp_path / "cpu.stat"
    monkeypatch.setattr("apituner.fastapi.workers.throttling.own_cpu_stat", lambda: file)
    registry = CollectorRegistry()
    signals = Signals(registry)

    def throttled(periods: int) -> None:
        file.write_text(f"nr_periods {periods}\nnr_throttled {periods}\nthrottled_usec {periods}000000\n", encoding="ascii")

    throttled(10)
    first, second = ThrottlingClock(signals.worker), ThrottlingClock(signals.worker)
    throttled(15)
    first.publish(leads=True)
    second.publish(leads=False)
    throttled(18)
    second.publish(leads=True)
    signals.tallies.count()
    assert [8.0, 8.0, 8.0] == [
        registry.get_sample_value(f"apituning_cgroup_{name}_total") for name in ("periods", "throttled_periods", "throttled_seconds")
    ]
