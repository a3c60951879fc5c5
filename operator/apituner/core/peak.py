"""
The most connections that can be open at any instant of one step.

Kubernetes counts neither terminating pods nor their connections: a rollout keeps at most ``maxSurge`` pods too many *beside* every old one
that has not exited yet. Let D be the old pods that the rollout has deleted so far, of N. Then at most min(N, surge + D) new ones were made,
and at most N - D + min(D, ending) old ones still hold their pools. The connections are linear in D but for two corners, so the largest of
four values is the peak.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from apituner.core.configuration import Configuration
from apituner.core.strategy import READY_CUT_S, Strategy


def most_ending(pods: int, strategy: Strategy) -> int:
    """
    Return how many old pods can be terminating at the same time during a rollout of *pods*.

    A pod is deleted only in exchange for one that has been ready for ``minReadySeconds``, or within maxUnavailable. So of what is deleted
    within a span of that length only surge + unavailable can be new: D(t) <= unavailable + made(t - m) <= unavailable + surge + D(t - m).
    A grace period touches floor(grace / m) + 1 such spans. Without ``minReadySeconds`` all old pods can be terminating at once.
    """
    if strategy.apart_s == 0:
        return pods
    waves = math.floor(strategy.ends_within_s / strategy.apart_s) + 1
    return min(pods, waves * (strategy.surge(pods) + strategy.unavailable(pods)))


def rollout_peak(pods: int, old: int, new: int, strategy: Strategy) -> int:
    """Return the most connections while *pods* pods of *old* connections each are replaced by as many of *new* each."""
    if strategy.recreate:  # the controller waits until every old pod is gone (k8s.io/kubernetes, oldPodsRunning)
        return pods * max(old, new)
    surge, ending = strategy.surge(pods), most_ending(pods, strategy)
    corners = (0, ending, max(0, pods - surge), pods)
    return max(old * (pods - deleted + min(deleted, ending)) + new * min(pods, surge + deleted) for deleted in corners)


def step_peak(here: Configuration, there: Configuration, engines: int, strategy: Strategy) -> int:
    """
    Return the most connections while *here* becomes *there* by one step: another number of pods, or another template.

    Pods that are given up hold their connections until they exit, so fewer pods open none and free none at once.
    """
    if here.same_template(there):
        return max(here.replicas, there.replicas) * here.connections_per_pod(engines)
    return rollout_peak(here.replicas, here.connections_per_pod(engines), there.connections_per_pod(engines), strategy)


def ending_connections(terminating: int, known: Iterable[Configuration], engines: int) -> int:
    """Return what pods that are terminating already may hold: each as much as the dearest template that is *known* of."""
    return terminating * max((one.connections_per_pod(engines) for one in known), default=0)


def gentle(strategy: Strategy) -> Strategy:
    """Return the strategy that opens the fewest connections without an outage: pod by pod, each gone before the next."""
    apart_s = math.floor(strategy.ends_within_s) + 1
    return replace(strategy, max_surge="0", max_unavailable="1", min_ready_s=apart_s + READY_CUT_S)
