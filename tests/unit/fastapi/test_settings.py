"""The environment is read into arguments of the engine, or refused in one sentence."""

import pytest

from apituner.fastapi import pool_settings
from apituner.fastapi.settings import MetricsAddress, metrics_address


@pytest.mark.parametrize(
    ("expected", "environ"),
    [
        pytest.param({}, {}, id="nothing set leaves SQLAlchemy's defaults"),
        pytest.param({}, {"DB_POOL_SIZE": " ", "DB_POOL_TIMEOUT": ""}, id="empty is not set"),
        pytest.param(
            {"pool_size": 14, "max_overflow": 0, "pool_timeout": 2.5},
            {"DB_POOL_SIZE": "14", "DB_MAX_OVERFLOW": "0", "DB_POOL_TIMEOUT": "2.5"},
            id="all that is set is passed on",
        ),
    ],
)
def test_pool_settings_are_arguments_of_an_engine(expected: dict[str, float], environ: dict[str, str]) -> None:
    """Each variable becomes the keyword argument that SQLAlchemy has for it."""
    assert expected == pool_settings(environ)


@pytest.mark.parametrize(
    ("sentence", "environ"),
    [
        pytest.param(
            "DB_POOL_SIZE is 'ten': set it to a whole number of at least 1", {"DB_POOL_SIZE": "ten"}, id="a size that is no number"
        ),
        pytest.param("DB_POOL_SIZE is 0: .* without a limit", {"DB_POOL_SIZE": "0"}, id="a size without a limit"),
        pytest.param("DB_MAX_OVERFLOW is -1: .* without a limit", {"DB_MAX_OVERFLOW": "-1"}, id="an overflow without a limit"),
        pytest.param("DB_POOL_SIZE is '2.5': set it to a whole number", {"DB_POOL_SIZE": "2.5"}, id="half a connection"),
        pytest.param("DB_POOL_TIMEOUT is '0': .* above 0", {"DB_POOL_TIMEOUT": "0"}, id="no time to wait"),
        pytest.param("DB_POOL_TIMEOUT is 'inf': .* above 0", {"DB_POOL_TIMEOUT": "inf"}, id="waiting for ever"),
        pytest.param("DB_POOL_TIMEOUT is '5s': .* such as 5", {"DB_POOL_TIMEOUT": "5s"}, id="a time with its unit"),
    ],
)
def test_a_bad_pool_setting_is_refused(sentence: str, environ: dict[str, str]) -> None:
    """The error names the variable, what it holds and what it should."""
    with pytest.raises(ValueError, match=f"^environment variable {sentence}"):
        pool_settings(environ)


def test_metrics_are_served_where_the_environment_says() -> None:
    """Host and port have defaults, and a port that cannot be one is refused."""
    assert MetricsAddress(host="0.0.0.0", port=9464) == metrics_address({})  # noqa: S104 - the default that is tested
    assert MetricsAddress(host="127.1.0.7", port=9000) == metrics_address(
        {"APITUNING_METRICS_HOST": "127.1.0.7", "APITUNING_METRICS_PORT": "9000"}
    )
    with pytest.raises(ValueError, match="APITUNING_METRICS_PORT is 70000: set it to a whole number from 0 to 65535"):
        metrics_address({"APITUNING_METRICS_PORT": "70000"})
