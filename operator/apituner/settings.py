"""The operator's own settings, from the environment that the chart writes."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError, field_validator

_PREFIX = "APITUNER_"


class SettingsError(Exception):
    """A setting that cannot be used: which, and what to write instead."""


class Settings(BaseModel):
    """What the operator must know before it can start."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, extra="forbid")

    prometheus_url: str
    """Where the metrics source ``default`` answers, e.g. http://prometheus.monitoring:9090."""
    sweep_seconds: Annotated[float, Field(ge=1, le=3600)] = 15
    """From the start of one sweep to the start of the next."""
    window_seconds: Annotated[int, Field(ge=10, le=3600)] = 60
    """The window that rates and means are taken over; at least four scrapes."""
    namespaces: tuple[str, ...] = ()
    """Namespaces to serve; none: all of them."""
    listen_host: str = "127.0.0.1"
    """Where /healthz, /readyz and /metrics are served; the pod's IP in a cluster."""
    listen_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    log_format: Literal["json", "text"] = "json"

    @field_validator("prometheus_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        url = TypeAdapter(HttpUrl).validate_python(value)
        if url.username or url.password:
            raise ValueError("must not hold a user or password")
        if url.query or url.fragment:
            raise ValueError("must end with its path, without ? and #")
        return value.rstrip("/")

    @field_validator("namespaces", mode="before")
    @classmethod
    def _are_comma_separated(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @property
    def stabilization_s(self) -> float:
        """How long a bottleneck must last before it counts: three sweeps agree when it is seen at the first, second and third."""
        return 2 * self.sweep_seconds


def settings_from(environ: Mapping[str, str]) -> Settings:
    """
    Read the settings.

    Raises SettingsError naming the variable, what is wrong with it and the chart's value that sets it.
    """
    known = {name: environ[_PREFIX + name.upper()] for name in Settings.model_fields if environ.get(_PREFIX + name.upper())}
    try:
        return Settings.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        variable = _PREFIX + str(first["loc"][0]).upper()
        wrong = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{variable}: {wrong}; set it in the environment, or by the chart's values") from error
