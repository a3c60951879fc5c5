"""What is left when the operator goes."""

from cluster import LocalCluster
from installed import a_shop, a_tuning, eventually, installed


def test_p8_uninstalled_it_leaves_the_shop_and_the_objects(cluster: LocalCluster, namespace: str) -> None:
    """An uninstall leaves Deployment, ApiTuning and CRDs as they stand, and no finalizer that would hold their deletion up."""
    with installed(cluster) as release:
        release.apply(a_shop(namespace), a_tuning(namespace, mode="Recommend"))
        eventually(lambda: release.status(namespace, "shop"))
        before = release.get("deployment", namespace, "shop")["spec"]

    assert release.get("deployment", namespace, "shop")["spec"] == before
    assert not release.get("apitunings.apituner.dev", namespace, "shop")["metadata"].get("finalizers")
    cluster.kubectl("delete", "apituning/shop", "-n", namespace, "--timeout=5s")
