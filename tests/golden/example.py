"""The example of operator/docs/decide.md: its question is asked, and its answer is the one that comes."""

import json
import re
from pathlib import Path
from typing import Any

from golden.teller import in_process

PAGE = Path(__file__).resolve().parents[2] / "operator" / "docs" / "decide.md"
_BLOCK = re.compile(r"```json\n(.*?)\n```", re.DOTALL)


def renewed(page: str) -> str:
    """Return *page* with the answer that its question has now, without the status."""
    asked, answered = _BLOCK.finditer(page)
    answer = in_process()(json.loads(asked[1]))
    del answer["status"]
    return page[: answered.start(1)] + _spread(answer) + page[answered.end(1) :]


def _spread(answer: dict[str, Any]) -> str:
    """Return JSON with every field of the answer, and every one of theirs, on a line of its own."""
    return "{\n" + ",\n".join(f'  "{name}": {_part(value)}' for name, value in answer.items()) + "\n}"


def _part(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f'    "{name}": {_items(inner)}' for name, inner in value.items()) + "}"
    return _items(value)


def _items(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return "[\n" + ",\n".join(f"      {json.dumps(one, ensure_ascii=False)}" for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
