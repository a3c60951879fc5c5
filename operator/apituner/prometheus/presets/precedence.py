"""Which preset is read where the pods have several: the first of these that is there."""

from collections.abc import Mapping

from apituner.prometheus.presets.apituner import APITUNER
from apituner.prometheus.presets.opentelemetry import OPENTELEMETRY
from apituner.prometheus.presets.opentelemetry_old import OPENTELEMETRY_OLD
from apituner.prometheus.presets.preset import Preset
from apituner.prometheus.presets.prometheus_fastapi_instrumentator import PROMETHEUS_FASTAPI_INSTRUMENTATOR
from apituner.prometheus.presets.starlette_exporter import STARLETTE_EXPORTER

PRESETS: tuple[Preset, ...] = (
    APITUNER,  # has every signal
    OPENTELEMETRY,  # a fine histogram by route
    STARLETTE_EXPORTER,  # likewise, but requests to no route are not counted
    PROMETHEUS_FASTAPI_INSTRUMENTATOR,  # no routes in its fine histogram
    OPENTELEMETRY_OLD,  # whole milliseconds
)
BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in PRESETS}
