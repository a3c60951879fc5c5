"""Nothing outside the bounds of the spec, and no knob that it does not name."""

import pytest

from apituner.core.bounds import outside_because
from apituner.core.configuration import Configuration, Knob
from apituner.core.policy import Bounds
from builders import a_configuration, a_policy

POLICY = a_policy(knobs={Knob.REPLICAS: Bounds(least=2, most=4), Knob.POOL: Bounds(least=2, most=6)})


@pytest.mark.parametrize(
    ("says", "before", "target"),
    [
        pytest.param(None, a_configuration(), a_configuration(4, pool_size=6), id="as far as is allowed"),
        pytest.param("replicas 5 is not within", a_configuration(), a_configuration(5), id="a pod too many"),
        pytest.param("replicas 1 is not within", a_configuration(), a_configuration(1), id="a pod too few"),
        pytest.param("pool 7 is not within", a_configuration(), a_configuration(pool_size=4, max_overflow=3), id="the overflow counts"),
        pytest.param("does not name workers", a_configuration(), a_configuration(workers=2), id="a knob that is not named"),
        pytest.param(None, a_configuration(9), a_configuration(9, pool_size=6), id="what stays may lie outside"),
    ],
)
def test_p3_what_the_spec_allows(says: str | None, before: Configuration, target: Configuration) -> None:
    """The sentence names the knob."""
    found = outside_because(before, target, POLICY)

    assert (says is None) is (found is None)
    assert (says or "") in (found or "")
