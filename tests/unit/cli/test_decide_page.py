"""The page operator/docs/decide.md says what is."""

import json
import re

from apituner.api.rules import Part
from apituner.cli.filter.deployed import AutoscalerPart, DeploymentPart, ResourcesPart
from apituner.cli.filter.held import APIS_MOST
from apituner.cli.filter.lines import LINE_MOST_BYTES
from apituner.cli.filter.question import BudgetPart, Question
from apituner.cli.filter.sighted import FastPart, SignalsPart
from apituner.core.workload import SettingName, SettingSource
from golden.example import PAGE, renewed
from questions import a_line, refusal

_TEXT = PAGE.read_text(encoding="utf-8")


def test_the_example_is_answered_as_the_page_says() -> None:
    """`make golden` renews it."""
    assert renewed(_TEXT) == _TEXT


def test_every_field_stands_on_the_page() -> None:
    """Of a question and of all its parts, and every source of a setting."""
    parts: list[type[Part]] = [Question, DeploymentPart, ResourcesPart, AutoscalerPart, SignalsPart, FastPart, BudgetPart]
    names = [str(field.alias) for part in parts for field in part.model_fields.values()]

    told = set(re.findall(r"`(\w+)`", _TEXT))
    assert set() == {*names, *SettingName, *SettingSource} - told


def test_the_refusal_on_the_page_is_the_real_one() -> None:
    """To the letter."""
    found = re.search(r'"error": ("[^"]*")', _TEXT)
    line = a_line()
    del line["deployment"]["replicas"]

    assert found is not None
    assert json.loads(found[1]) == refusal(line)


def test_the_bounds_on_the_page_are_the_real_ones() -> None:
    """The length of a line, and how many ids are held."""
    assert f"up to {LINE_MOST_BYTES // 2**20} MiB" in _TEXT
    assert f"{APIS_MOST:,} ids" in _TEXT
