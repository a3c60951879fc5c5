"""Bytes into lines: every one is answered, however it ends and however long it is."""

from io import BytesIO

import pytest

from apituner.cli.filter.lines import lines


@pytest.mark.parametrize(
    ("expected", "stream"),
    [
        pytest.param([], b"", id="nothing is no line"),
        pytest.param([b"a", b"b"], b"a\nb\n", id="each without its end"),
        pytest.param([b"a", b"b"], b"a\nb", id="the last one may have no end"),
        pytest.param([b"", b""], b"\n\n", id="an empty line is a line"),
        pytest.param([b"12345678"], b"12345678\n", id="a line that is just short enough"),
        pytest.param([b"12345678"], b"12345678", id="also as the last one"),
        pytest.param([None, b"a"], b"123456789\na\n", id="one that is too long is skipped as a whole"),
        pytest.param([b"a", None], b"a\n123456789", id="also as the last one, without an end"),
        pytest.param([None, None, b"a"], b"1" * 200_000 + b"\n" + b"2" * 70_000 + b"\na", id="however long it is"),
    ],
)
def test_lines(expected: list[bytes | None], stream: bytes) -> None:
    """Eight bytes are the most here; None stands for what is longer."""
    assert expected == list(lines(BytesIO(stream), most_bytes=8))


def test_a_line_that_is_too_long_is_never_held() -> None:
    """What is read at once is bounded, also while it is skipped."""

    class Endless(BytesIO):
        sizes: list[int] = []  # noqa: RUF012 - one of a kind

        def readline(self, size: int | None = -1, /) -> bytes:
            self.sizes.append(-1 if size is None else size)
            return super().readline(size)

    stream = Endless(b"x" * 1_000_000 + b"\nlast\n")

    assert [None, b"last"] == list(lines(stream, most_bytes=1000))
    assert max(stream.sizes) <= 2**16
    assert min(stream.sizes) > 0
