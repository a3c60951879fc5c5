"""Real helm, and what it makes of the chart."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import resources
from cluster import binaries

CHART = resources.ROOT / "charts" / "apituner"
URL = "http://prometheus.monitoring:9090"
Documents = list[dict[str, Any]]
Render = Callable[..., Documents]


@pytest.fixture(scope="session")
def helm() -> Path:
    """The helm of the local cluster, built on first use."""
    return binaries.ensure()["helm"]


@pytest.fixture(scope="session")
def run(helm: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`helm template` with more arguments."""

    def template(*arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [helm, "template", "tuner", CHART, "--namespace", "ops", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    return template


@pytest.fixture(scope="session")
def render(run: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """What helm renders with an address of Prometheus and the given values, as documents."""

    def rendered(*values: str) -> Documents:
        done = run("--set", f"prometheus.url={URL}", *[part for value in values for part in ("--set-json", value)])
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return rendered
