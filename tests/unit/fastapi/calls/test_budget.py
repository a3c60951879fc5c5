"""The budget for retries is never exceeded, and never less than it says."""

from hypothesis import given
from hypothesis import strategies as st

from apituner.fastapi.calls.budget import RetryBudget

# Each step: how many seconds pass, and whether a request comes or a retry is asked for.
_steps = st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=300)


@given(steps=_steps, first=st.integers(0, 300))
def test_no_stretch_of_time_has_more_retries_than_it_may(steps: list[tuple[float, bool]], first: int) -> None:
    """In t seconds with n requests there are at most 10 + n / 10 + t retries, wherever the stretch begins."""
    budget, now_s = RetryBudget(now_s=0), 0.0
    requests = retries = 0
    since_s = 0.0
    for number, (passes_s, is_request) in enumerate(steps):
        now_s += passes_s
        if number == first:
            requests = retries = 0
            since_s = now_s
        if is_request:
            budget.pay_in(now_s=now_s)
            requests += 1
        else:
            retries += budget.pay_out(now_s=now_s)
    assert retries <= 10 + requests / 10 + (now_s - since_s) + 1e-6


@given(requests=st.integers(0, 2000))
def test_a_tenth_of_the_requests_may_be_repeated(requests: int) -> None:
    """Once the savings are spent, within one instant: no more, and but for a rounding no less."""
    budget = RetryBudget(now_s=0)
    while budget.pay_out(now_s=0):
        pass
    retries = 0
    for _ in range(requests):
        budget.pay_in(now_s=0)
        retries += budget.pay_out(now_s=0)
    assert requests / 10 - 1 - 1e-6 <= retries <= requests / 10 + 1e-6


def test_who_sends_little_may_still_retry() -> None:
    """One a second, without any request."""
    budget = RetryBudget(now_s=0)
    while budget.pay_out(now_s=0):
        pass
    assert [False, True, False] == [budget.pay_out(now_s=now_s) for now_s in (0.9, 1.1, 1.2)]


def test_savings_do_not_grow_for_ever() -> None:
    """After a quiet day an outage gets ten retries at once, and not 86,400."""
    budget = RetryBudget(now_s=0)
    assert sum(budget.pay_out(now_s=86_400) for _ in range(100)) == 10
