"""A child that a worker forks takes neither its port nor its place."""

import os
import signal
import socket

import pytest
from prometheus_client import CollectorRegistry

from apituner.fastapi.settings import MetricsAddress
from apituner.fastapi.workers.serving import MetricsServer
from apituner.fastapi.workers.siblings import Siblings


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_does_not_keep_the_port_or_the_place_of_a_worker_that_is_gone() -> None:
    """Its listening socket would be handed scrapes that nobody answers, and it would be counted as a worker for as long as it lives."""
    siblings, server = (
        Siblings(f"{os.getpid()}/forks:1"),
        MetricsServer(MetricsAddress(host="127.0.0.1", port=0), CollectorRegistry, shared=True),
    )
    siblings.join()
    assert siblings.leads()
    server.start()
    port = server.port
    assert port
    forked, told = os.pipe()
    if (child := os.fork()) == 0:
        os.write(told, b".")
        while True:
            signal.pause()
    os.read(forked, 1)
    server.stop()
    siblings.leave()
    try:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        successor = Siblings(f"{os.getpid()}/forks:1")
        successor.join()
        assert [0, True, 1] == [successor.place, successor.leads(), successor.count()]
        successor.leave()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for end in (forked, told):
            os.close(end)
