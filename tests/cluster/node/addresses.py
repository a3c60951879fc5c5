"""Each pod's own loopback address."""

import random


class Addresses:
    """
    Addresses 127.1.x.y, x and y from 1 to 254, handed out in order, so that one comes back after 64,516 pods.

    The first is drawn at random: pods of two clusters on one machine then hardly meet.
    """

    def __init__(self, dice: random.Random) -> None:
        self._next = dice.randrange(254 * 254)

    def take(self) -> str:
        """The next address."""
        high, low = divmod(self._next % (254 * 254), 254)
        self._next += 1
        return f"127.1.{high + 1}.{low + 1}"
