"""
Every metric of the instrumentation together.

Names follow the OpenTelemetry semantic conventions where these have one, ``asyncio_eventloop_*`` is named after ``nodejs.eventloop.*``,
and everything else is ``apituning_*``. No label takes a value that a client controls, and every value of a label is bounded.
"""

from prometheus_client import CollectorRegistry

from apituner.fastapi.measures.call_signals import CallSignals
from apituner.fastapi.measures.defaults_signals import DefaultsSignals
from apituner.fastapi.measures.labels import BoundedLabel, BoundedPair
from apituner.fastapi.measures.loop_signals import LoopSignals
from apituner.fastapi.measures.pool_signals import PoolSignals
from apituner.fastapi.measures.request_signals import RequestSignals
from apituner.fastapi.measures.route_signals import RouteSignals
from apituner.fastapi.measures.tallies import Tallies
from apituner.fastapi.measures.worker_signals import WorkerSignals

# A large API has some 300 routes, calls a dozen hosts, blocks its loop in a handful of places, and breaks its contract in as many fields.
_MOST_ROUTES, _MOST_HOSTS, _MOST_FUNCTIONS, _MOST_FIELDS = 500, 100, 200, 200

# A client without a time limit is a finding once it has a name; nobody needs more of these at once.
_MOST_UNLIMITED = 500


class Signals:
    """
    The metrics of one process, registered in one registry.

    Gauges are summed over the live processes, or their largest value is taken; counters and histograms are summed over all that ever ran.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.tallies = Tallies(registry)
        self.requests = RequestSignals(self.tallies)
        self.routes = RouteSignals(self.tallies)
        self.pools = PoolSignals(self.tallies)
        self.loop = LoopSignals(self.tallies)
        self.worker = WorkerSignals(self.tallies)
        self.calls = CallSignals(self.tallies)
        self.defaults = DefaultsSignals(self.tallies)
        self.route_label = BoundedLabel(_MOST_ROUTES)
        self.host_label = BoundedLabel(_MOST_HOSTS)
        self.unlimited_pair = BoundedPair(_MOST_UNLIMITED)
        self.function_label = BoundedLabel(_MOST_FUNCTIONS)
        self.field_label = BoundedLabel(_MOST_FIELDS)
