"""Where a setting's value comes from, variable by variable."""

from typing import Any

import pytest

from apituner.core.workload import Setting, SettingName, SettingSource
from apituner.kube.deployment import settings as settings_in
from deployments import a_container, a_deployment, a_target


def settings_of(env: list[dict[str, Any]], **changes: Any) -> dict[SettingName, Setting]:  # noqa: ANN401 - any field of a container
    """Read all three settings of a container with this env."""
    container = a_container(env=env, **changes)
    return settings_in(a_deployment(container), container, a_target())


def pool_of(*env: dict[str, Any], **container: Any) -> Setting:  # noqa: ANN401 - any field of a container
    """Read DB_POOL_SIZE from a container with this env."""
    return settings_of(list(env), **container)[SettingName.POOL_SIZE]


@pytest.mark.parametrize(
    ("source", "value", "detail", "env"),
    [
        pytest.param("Env", 5, "", [{"name": "DB_POOL_SIZE", "value": "5"}], id="a literal number is ours to set"),
        pytest.param("Default", None, "", [{"name": "OTHER", "value": "5"}], id="absent: the program's default holds"),
        pytest.param(
            "Secret",
            None,
            "key pool of Secret orders-db",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"secretKeyRef": {"name": "orders-db", "key": "pool"}}}],
            id="from a Secret",
        ),
        pytest.param(
            "ConfigMap",
            None,
            "key pool of ConfigMap orders",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"configMapKeyRef": {"name": "orders", "key": "pool"}}}],
            id="from a ConfigMap",
        ),
        pytest.param(
            "Field",
            None,
            "field metadata.labels['pool'] of the pod",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['pool']"}}}],
            id="from the pod's own fields",
        ),
        pytest.param(
            "Field",
            None,
            "limits.cpu of the container",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}],
            id="from the container's resources",
        ),
        pytest.param(
            "Unreadable",
            None,
            "its value comes from fileKeyRef",
            [{"name": "DB_POOL_SIZE", "valueFrom": {"fileKeyRef": {"key": "pool"}}}],
            id="from a source that is not known here",
        ),
        pytest.param(
            "Unreadable", None, 'its value "five" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "five"}], id="a word"
        ),
        pytest.param("Unreadable", None, 'its value "5.5" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "5.5"}], id="half"),
        pytest.param("Unreadable", None, 'its value "" is not a whole number', [{"name": "DB_POOL_SIZE"}], id="empty"),
        pytest.param("Unreadable", None, 'its value "-1" is not a whole number', [{"name": "DB_POOL_SIZE", "value": "-1"}], id="no limit"),
        pytest.param("Unreadable", None, "its value 0 is less than 1", [{"name": "DB_POOL_SIZE", "value": "0"}], id="0 means no limit"),
        pytest.param(
            "Unreadable",
            None,
            "it stands 2 times in the container's env",
            [{"name": "DB_POOL_SIZE", "value": "5"}, {"name": "DB_POOL_SIZE", "value": "9"}],
            id="twice: the last one wins, and an apply would fail",
        ),
    ],
)
def test_where_a_setting_comes_from(source: str, value: int | None, detail: str, env: list[dict[str, Any]]) -> None:
    """A literal can be set; every other source is named so that a person can find it."""
    setting = pool_of(*env)

    assert (source, value, detail) == (setting.source, setting.value, setting.detail)


def test_an_absent_variable_may_still_come_from_env_from() -> None:
    """A literal wins over envFrom, so the variable is ours to set, but its present value is not known."""
    setting = pool_of(envFrom=[{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "orders-db"}}])

    assert (setting.source, setting.detail) == (SettingSource.DEFAULT, "unless ConfigMap settings or Secret orders-db sets it")


def test_a_flag_wins_over_the_variable_of_the_workers_only() -> None:
    """`--workers 4` makes WEB_CONCURRENCY idle; the pool's variables are none of its business."""
    env = [{"name": "WEB_CONCURRENCY", "value": "1"}, {"name": "DB_POOL_SIZE", "value": "5"}]
    settings = settings_of(env, command=["uvicorn", "a:a", "--workers", "4"])

    workers = settings[SettingName.WORKERS]
    assert (workers.source, workers.value, workers.detail) == ("CommandLine", 4, "--workers 4 on the container's command line")
    assert settings[SettingName.POOL_SIZE].source is SettingSource.ENV
