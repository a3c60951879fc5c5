"""Whether the pods are there, and whether there are more than are needed."""

from datetime import timedelta

from apituner.core.checks import figures
from apituner.core.checks.judging import Case, Look
from apituner.core.configuration import Knob
from apituner.core.evidence import Evidence
from apituner.core.finding import Bottleneck, Check, Finding
from apituner.core.snapshot import Signal

# One restart beside a missing pod is a crash; several with all pods ready are a leak or an occasional kill.
_RESTARTS_OF_A_CRASH = 1.0
_RESTARTS_MANY = 3.0
# A Deployment's own patience with a pod that does not get ready (progressDeadlineSeconds).
_STARTS_WITHIN = timedelta(minutes=10)

# Slack: a busy share from which one pod of two could go without passing 0.8, and a pool of four times what it needs; for a quarter of an
# hour, so that no lull counts.
_SLACK_UTILIZATION = 0.4
_SLACK_POOL = 4
_SLACK_FOR = timedelta(minutes=15)


def pods_are_ready(e: Evidence) -> Finding:
    """Whatever else shows while pods crash is an effect of that: the others carry their load."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.POD_FAILURE)
    work = e.workload
    restarts = e.restarts_per_hour if e.restarts_per_hour is not None else e.seen.get(Signal.RESTARTS_PER_HOUR)
    because = f"{work.ready_replicas} of {work.replicas} pods are ready"
    because += ", how often containers restart is not reported" if restarts is None else f", {restarts:.0f} restarts in an hour"
    advice = "look why containers stop: kubectl describe pod, kubectl logs --previous; workers and pools are left alone meanwhile"
    if work.stuck_because is not None:
        return look.judged(e, Case(bad=True, limit=True, because=f"{because}: {work.stuck_because}", advice=advice))
    lacking = work.ready_replicas < work.replicas
    if lacking and restarts is not None and restarts >= _RESTARTS_OF_A_CRASH:
        return look.judged(e, Case(bad=True, limit=True, because=because, advice=advice))
    due = work.rolled_out_at is not None and work.rolled_out_at < e.seen.taken_at - _STARTS_WITHIN
    late = lacking and due and work.updated_replicas >= work.replicas
    many = restarts is not None and restarts >= _RESTARTS_MANY
    return look.judged(e, Case(bad=late or many, because=because, advice=advice))


def nothing_lies_idle(e: Evidence) -> Finding:
    """What nobody needs costs money and connections."""
    look = Look(check=Check.POOLS_AND_WORKERS, reason=Bottleneck.OVERPROVISIONED)
    if e.met_since is None:
        return look.unknown("for how long the objective has been met is not known", adds="")
    met_for = e.seen.taken_at - e.met_since
    busy = max(figures.utilization(e), figures.loop_cpu_ratio(e) + e.seen[Signal.LOOP_BLOCKED_RATIO])
    because = f"the objective has been met for {met_for.total_seconds() / 60:.0f} min, workers are {busy:.0%} busy"
    roomy = True
    load = figures.offered(e)
    if load is not None:
        required = figures.pool_required(load)
        because += f", pools hold {e.here.pool_limit} connections and need {required}"
        roomy = e.here.pool_limit > _SLACK_POOL * required
    elif Knob.POOL in e.policy.knobs:
        return look.unknown("how long connections are held is not reported")
    slack = busy < _SLACK_UTILIZATION and roomy and met_for >= _SLACK_FOR and not e.missed
    advice = "fewer replicas do; what workers and pools have too much goes with the next rollout"
    return look.judged(e, Case(bad=slack and _can_shrink(e), because=because, advice=advice))


def _can_shrink(e: Evidence) -> bool:
    sizes = {Knob.REPLICAS: e.here.replicas, Knob.WORKERS: e.here.workers, Knob.POOL: e.here.pool_limit}
    return any(sizes[knob] > bounds.least for knob, bounds in e.policy.knobs.items())
