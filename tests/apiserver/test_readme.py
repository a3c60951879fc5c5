"""The README's own words, tried."""

import re
from pathlib import Path

import pytest

from cluster import LocalCluster

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.usefixtures("kinds")
def test_the_objects_of_the_readme_are_accepted(cluster: LocalCluster) -> None:
    """What a reader copies, the API server takes."""
    (objects,) = re.findall(r"```yaml\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    cluster.kubectl("create", "namespace", "shop")
    try:
        created = cluster.kubectl("apply", "-f", "-", input=objects)
        table = cluster.kubectl("get", "apitunings", "-n", "shop")
    finally:
        cluster.kubectl("delete", "namespace", "shop")

    assert created.split("\n")[:2] == ["connectionbudget.apituner.dev/orders-db created", "apituning.apituner.dev/orders created"]
    assert table.split()[:4] == ["NAME", "TARGET", "MODE", "BOTTLENECK"]
