"""Few responses are chosen, each route is seen, and no body fills the memory."""

from typing import Any

import pytest

from apituner.fastapi.operations.contract.sampling import Sample, Sampler


def _start(status: int = 200, **headers: str) -> dict[str, Any]:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }


class _World:
    """A sampler whose chance is decided here, and whose clock stands still."""

    def __init__(self, *, share: float = 0.01) -> None:
        self.now_s, self.chance = 1000.0, 0.5
        self.sampler = Sampler(share=share, largest_bytes=100, clock=lambda: self.now_s, chance=lambda: self.chance)

    def chosen(self, endpoint: object, status: int = 200) -> bool:
        """Whether a response is chosen."""
        return self.sampler.look({"endpoint": endpoint}, _start(status)) is not None


def test_of_each_route_and_status_one_a_minute_is_chosen() -> None:
    """Also of the route that is asked for twice a day, and of the answer that hardly ever comes."""
    world, orders, invoices = _World(), object(), object()
    seen = [world.chosen(orders), world.chosen(orders), world.chosen(invoices), world.chosen(orders, 404), world.chosen(orders, 404)]
    assert seen == [True, False, True, True, False]
    world.now_s += 60
    assert world.chosen(orders)


def test_of_the_others_a_share_is_chosen_by_chance() -> None:
    """1 % of them."""
    world, orders = _World(share=0.01), object()
    assert world.chosen(orders)
    world.chance = 0.0099
    assert world.chosen(orders)
    world.chance = 0.01
    assert not world.chosen(orders)


@pytest.mark.parametrize(("expected", "share"), [pytest.param(True, 1.0, id="all of them"), pytest.param(False, 0.0, id="none of them")])
def test_a_share_may_be_all_or_nothing(*, expected: bool, share: float) -> None:
    """With none there is still one a minute."""
    world, orders = _World(share=share), object()
    world.chance = 0.999999
    assert world.chosen(orders)
    assert expected == world.chosen(orders)


def test_an_app_that_makes_endpoints_as_it_goes_does_not_fill_the_memory() -> None:
    """What is known of them is bounded."""
    world = _World()
    endpoints = [object() for _ in range(25_000)]
    for endpoint in endpoints:
        world.chosen(endpoint)
    assert len(world.sampler._due_s) <= 10_000


def test_a_start_that_makes_no_sense_is_left_to_the_server() -> None:
    """Whatever is wrong with it, it is not for us to raise."""
    sampler = _World().sampler
    assert sampler.look({}, {"type": "http.response.start"}) is None
    assert sampler.look({}, _start() | {"headers": [("name", None)]}) is None


def test_the_headers_that_matter_are_kept() -> None:
    """Whatever their case."""
    sample = Sample(_start(Content_Type="application/json", CONTENT_ENCODING="gzip"), 100)
    assert (sample.status, sample.content_type, sample.content_encoding) == (200, "application/json", "gzip")


def test_a_body_that_turns_out_too_long_is_let_go() -> None:
    """A stream of 10 MB, of which nobody knew the length: at no time is more kept than allowed."""
    sample = Sample(_start(content_type="application/json"), 100_000)
    for _ in range(160):
        sample.append(b"x" * 65536)
        assert sum(map(len, sample)) <= 100_000
    assert sample.let_go
    assert sample == []


def test_a_body_that_says_it_is_too_long_is_not_kept_at_all() -> None:
    """Its length is in the headers."""
    sample = Sample(_start(content_type="application/json", content_length="101"), 100)
    sample.append(b"x")
    assert (sample.let_go, sample) == (True, [])


def test_a_body_of_just_the_length_is_kept() -> None:
    """The bound is what may be, not what may not."""
    sample = Sample(_start(content_type="application/problem+json", content_length="100"), 100)
    sample.append(b"x" * 60)
    sample.append(b"x" * 40)
    assert (sample.let_go, len(sample)) == (False, 2)


def test_a_body_that_is_no_json_is_not_kept() -> None:
    """A stream of events goes on for hours."""
    sample = Sample(_start(content_type="text/event-stream"), 100)
    sample.append(b"data: 1")
    assert (sample.let_go, sample) == (True, [])


def test_headers_that_can_be_read_once_are_left_for_the_server() -> None:
    """ASGI allows any iterable."""
    start = _start(content_type="application/json")
    headers = start["headers"]
    start["headers"] = iter(headers)
    assert Sample(start, 100).content_type == "application/json"
    assert [*start["headers"]] == headers
