"""The environment is read into arguments of the engine, or refused in one sentence."""

from typing import Literal

import pytest

from apituner.fastapi import pool_settings
from apituner.fastapi.settings import MetricsAddress, metrics_address

Library = Literal["sqlalchemy", "asyncpg", "psycopg"]

_ALL = {"DB_POOL_SIZE": "14", "DB_MAX_OVERFLOW": "2", "DB_POOL_TIMEOUT": "2.5"}


@pytest.mark.parametrize(
    ("expected", "library", "environ"),
    [
        pytest.param({}, "sqlalchemy", {}, id="nothing set leaves SQLAlchemy's defaults"),
        pytest.param({}, "asyncpg", {}, id="nothing set leaves asyncpg's defaults"),
        pytest.param({}, "sqlalchemy", {"DB_POOL_SIZE": " ", "DB_POOL_TIMEOUT": ""}, id="empty is not set"),
        pytest.param(
            {"pool_size": 14, "max_overflow": 2, "pool_timeout": 2.5}, "sqlalchemy", _ALL, id="SQLAlchemy has an argument for each"
        ),
        pytest.param({"min_size": 14, "max_size": 16}, "asyncpg", _ALL, id="asyncpg has none for the time-out"),
        pytest.param({"min_size": 14, "max_size": 16, "timeout": 2.5}, "psycopg", _ALL, id="psycopg counts kept and most"),
        pytest.param(
            {"timeout": 2.5}, "psycopg", {"DB_POOL_TIMEOUT": "2.5", "DB_MAX_OVERFLOW": "2"}, id="an overflow over what is not set"
        ),
    ],
)
def test_pool_settings_are_arguments_of_a_pool(expected: dict[str, float], library: Library, environ: dict[str, str]) -> None:
    """Each variable becomes the keyword argument that the library has for it."""
    assert expected == pool_settings(library, environ=environ)


def test_an_unknown_library_is_refused() -> None:
    """Rather than to leave a pool at its default size, which no budget was made for."""
    with pytest.raises(ValueError, match="asked for 'psycopg2': ask for 'sqlalchemy', 'asyncpg' or 'psycopg'"):
        pool_settings("psycopg2")  # type: ignore[call-overload]  # the mistake that is tested


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
        pool_settings(environ=environ)


def test_metrics_are_served_where_the_environment_says() -> None:
    """Host and port have defaults, and a port that cannot be one is refused."""
    assert MetricsAddress(host="0.0.0.0", port=9464) == metrics_address({})  # noqa: S104 - the default that is tested
    assert MetricsAddress(host="127.1.0.7", port=9000) == metrics_address(
        {"APITUNING_METRICS_HOST": "127.1.0.7", "APITUNING_METRICS_PORT": "9000"}
    )
    with pytest.raises(ValueError, match="APITUNING_METRICS_PORT is 70000: set it to a whole number from 0 to 65535"):
        metrics_address({"APITUNING_METRICS_PORT": "70000"})
