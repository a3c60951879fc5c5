"""A fault that lasts is told now and then."""

from apituner.fastapi.seldom import Seldom


def test_the_same_thing_is_said_once_in_a_while() -> None:
    """And another thing in between."""
    seldom = Seldom(every_s=60)
    said = [seldom.due(what, at_s) for what, at_s in (("a", 0.0), ("a", 59.0), ("b", 59.0), ("a", 60.0), ("a", 61.0))]
    assert said == [True, False, True, True, False]


def test_few_things_are_said_at_all() -> None:
    """A log is no place for a thousand fields; when the first are forgotten, there is room again."""
    seldom = Seldom(every_s=60, most=3)
    assert sum(seldom.due(what, 0.0) for what in range(1000)) == 3
    assert seldom.due(999, 60.0)
