"""
What a child that a worker forks must not keep, such as one of a pool of processes: the worker's sockets.

A child that outlives its worker would keep its place among the siblings, and its listening socket: the system would go on handing scrapes
to it that nobody answers.
"""

import os
import socket
import weakref

_sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def not_for_children(held: socket.socket) -> socket.socket:
    """Have *held* closed in every child that is forked from now on; returns it."""
    _sockets.add(held)
    return held


def _close() -> None:
    for held in list(_sockets):
        held.close()


os.register_at_fork(after_in_child=_close)
