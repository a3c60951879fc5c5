"""The operator's settings: read from the environment, or refused in one sentence that names the variable."""

import pytest

from apituner.cli import main
from apituner.settings import SettingsError, settings_from

_URL = {"APITUNER_PROMETHEUS_URL": "http://prometheus.monitoring:9090"}


def test_one_setting_is_enough() -> None:
    """All others have a default."""
    settings = settings_from(_URL)

    assert (
        settings.prometheus_url,
        settings.sweep_seconds,
        settings.window_seconds,
        settings.namespaces,
        settings.listen_port,
        settings.log_format,
        settings.stabilization_s,
    ) == ("http://prometheus.monitoring:9090", 15, 60, (), 8080, "json", 30)


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param((), "", id="empty: all namespaces"),
        pytest.param(("shop",), "shop", id="one"),
        pytest.param(("shop", "data"), " shop, data,, ", id="spaces and a trailing comma"),
    ],
)
def test_namespaces_are_separated_by_commas(expected: tuple[str, ...], text: str) -> None:
    """As the chart joins them."""
    assert expected == settings_from({**_URL, "APITUNER_NAMESPACES": text}).namespaces


def test_a_slash_at_the_end_of_the_url_is_dropped() -> None:
    """Paths are appended to it."""
    assert settings_from({"APITUNER_PROMETHEUS_URL": "http://p:9090/prom/"}).prometheus_url == "http://p:9090/prom"


_REFUSED = [
    pytest.param("PROMETHEUS_URL", "", "Field required", id="no URL"),
    pytest.param("PROMETHEUS_URL", "prometheus", "should be a valid URL", id="a bare name"),
    pytest.param("PROMETHEUS_URL", "ftp://prometheus", "scheme should be 'http' or 'https'", id="another scheme"),
    pytest.param("PROMETHEUS_URL", "http://me:hush@prometheus", "must not hold a user or password", id="a password"),
    pytest.param("PROMETHEUS_URL", "http://prometheus/?token=hush", "without ? and #", id="a token in the address"),
    pytest.param("PROMETHEUS_URL", "ftp://me:hush@prometheus", "scheme should be", id="a password and another scheme"),
    pytest.param("SWEEP_SECONDS", "0", "greater than or equal to 1", id="no pause"),
    pytest.param("SWEEP_SECONDS", "-15", "greater than or equal to 1", id="a negative pause"),
    pytest.param("SWEEP_SECONDS", "nan", "less than or equal to 3600", id="not a number, as a number"),
    pytest.param("SWEEP_SECONDS", "inf", "less than or equal to 3600", id="for ever"),
    pytest.param("SWEEP_SECONDS", "15s", "valid number", id="a unit"),
    pytest.param("WINDOW_SECONDS", "5", "greater than or equal to 10", id="a window of less than four scrapes"),
    pytest.param("WINDOW_SECONDS", "61.5", "valid integer", id="half a second"),
    pytest.param("LISTEN_PORT", "0", "greater than or equal to 1", id="any port"),
    pytest.param("LISTEN_PORT", "65536", "less than or equal to 65535", id="a port too high"),
    pytest.param("LISTEN_PORT", "tcp://10.0.0.1:8080", "valid integer", id="what a Service of the same name would set"),
    pytest.param("LOG_FORMAT", "xml", "'json' or 'text'", id="an unknown format"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), _REFUSED)
def test_a_setting_that_cannot_be_used_is_refused_in_a_sentence(name: str, value: str, sentence: str) -> None:
    """One line: the variable, what is wrong, what to do; and no secret in it."""
    with pytest.raises(SettingsError) as refused:
        settings_from({**_URL, f"APITUNER_{name}": value})

    told = str(refused.value)
    assert told.startswith(f"APITUNER_{name}: ")
    assert sentence in told
    assert told.endswith("; set it in the environment, or by the chart's values")
    assert "\n" not in told
    assert "hush" not in told


def test_the_command_refuses_to_start_without_its_settings(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and the sentence on stderr: a crash loop that says why."""
    monkeypatch.delenv("APITUNER_PROMETHEUS_URL", raising=False)

    assert main(["run"]) == 2
    assert capsys.readouterr().err.startswith("apituner: APITUNER_PROMETHEUS_URL: Field required")


@pytest.mark.parametrize("arguments", [[], ["fly"]], ids=["no command", "an unknown command"])
def test_a_command_line_that_means_nothing_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With the commands that there are."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "run" in capsys.readouterr().err
