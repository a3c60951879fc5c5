"""Free TCP ports on loopback."""

import random
import socket

# Below the range from which the kernel hands out ports to clients (32768 on Linux), so that only another server can take one from us.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """
    A port that nothing listens on now.

    Drawn at random, so that two clusters that start at once seldom meet; where they do, `Program.wait_ready` draws again.
    """
    dice = random.SystemRandom()
    while True:
        port = dice.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
