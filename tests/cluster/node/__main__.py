"""The node as a process; its one argument is a JSON object: folder, kubeconfig, node, cgroup, env."""

import asyncio
import base64
import json
import random
import sys
from pathlib import Path
from typing import Any

from cluster.narration import narrate
from cluster.node import cgroups
from cluster.node.addresses import Addresses
from cluster.node.agent import Agent
from cluster.node.api import Access, Api
from cluster.node.registration import stay_registered


async def main(given: dict[str, Any]) -> None:
    """Run until the supervisor ends it, and its pods with it."""
    folder = Path(given["folder"])
    cgroup: Path | None = Path(given["cgroup"])
    if not cgroups.make_root(Path(given["cgroup"])):
        narrate("CPU limits of pods are not enforced: this user may make no group below /sys/fs/cgroup (root may)")
        cgroup = None
    async with Api(access(Path(given["kubeconfig"]), folder / "authority.crt")) as api, asyncio.TaskGroup() as group:
        agent = Agent(
            api=api, node=given["node"], folder=folder, cgroup=cgroup, base_env=given["env"], addresses=Addresses(random.SystemRandom())
        )  # fmt: skip
        group.create_task(stay_registered(api, given["node"]))
        group.create_task(agent.follow())


def access(kubeconfig: Path, authority: Path) -> Access:
    """What the administrator's kubeconfig, in JSON, says; the certificate in it is written to *authority*."""
    said = json.loads(kubeconfig.read_text())
    cluster, user = said["clusters"][0]["cluster"], said["users"][0]["user"]
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    return Access(server=cluster["server"], authority=authority, token=user["token"])


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
