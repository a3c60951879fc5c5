"""The house keeps its shape: which folders are packages, and who may import whom."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "operator" / "apituner"
MODULES = sorted(PACKAGE.rglob("*.py"))


def _imported(path: Path) -> Iterator[str]:
    """Yield the full names of all modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: write the full name"
            yield node.module or ""
            yield from (f"{node.module}.{one.name}" for one in node.names)


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_the_source_root_is_no_package() -> None:
    """With an `operator/__init__.py` the standard library's `operator` is shadowed, and not even pip starts."""
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_the_standard_library_is_found_from_the_root() -> None:
    """A folder named as a module of the standard library does no harm as long as it is only a folder."""
    code = "import operator, collections; print(operator.itemgetter(1)('ab'))"

    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)

    assert told.stdout == "b\n"


@pytest.mark.parametrize("path", [one for one in MODULES if _name(one).startswith("core/")], ids=_name)
def test_the_core_imports_the_standard_library_alone(path: Path) -> None:
    """And of that nothing that reads a clock, waits, draws lots or talks."""
    banned = {"asyncio", "logging", "os", "random", "secrets", "socket", "subprocess", "sys", "threading", "time"}
    for name in _imported(path):
        top = name.partition(".")[0]
        assert top in sys.stdlib_module_names - banned or name.startswith("apituner.core") or name == "apituner", name


@pytest.mark.parametrize("path", [one for one in MODULES if _name(one).startswith("fastapi/")], ids=_name)
def test_the_instrumentation_imports_nothing_of_the_operator(path: Path) -> None:
    """What an API installs must not bring an operator along."""
    for name in _imported(path):
        assert not name.startswith("apituner.") or name.startswith("apituner.fastapi"), name
        assert name.partition(".")[0] not in {"kopf", "kubernetes", "pydantic", "aiohttp", "prometheus_api_client"}, name


def test_only_the_handlers_know_kopf() -> None:
    """So that the framework can be exchanged by exchanging one file."""
    assert [_name(path) for path in MODULES if any(one.partition(".")[0] == "kopf" for one in _imported(path))] == ["handlers.py"]


def test_the_import_contracts_hold() -> None:
    """Layers point inwards, as pyproject.toml says."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "operator")}

    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, check=False, capture_output=True, text=True)

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_file_holds_one_idea(path: Path) -> None:
    """At most 250 lines, and a docstring that says which idea."""
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 250
    assert ast.get_docstring(ast.parse(text))
