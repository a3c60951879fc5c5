"""Programs are built into a cache that never holds half of one."""

import subprocess
from pathlib import Path

import pytest

from cluster.binaries import BuildFailed, cache
from cluster.binaries.families import Family

HELLO = Family(name="hello", version="1.0.0", packages={"greet": "example.test/hello"}, minutes=0.1)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the source of a program of one line, below a folder with a space in its name, and an empty cache beside it."""
    module = tmp_path / "the modules" / "hello"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module example.test/hello\n\ngo 1.26.0\n")
    (module / "go.sum").touch()
    (module / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
    monkeypatch.setattr("cluster.binaries.families.MODULES", module.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "the cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "no home"))
    return module


def test_a_program_is_built_under_its_name_and_leaves_no_workshop(source: Path) -> None:
    """What is built runs, is found by a key of version and pins, and Go's own caches, which nobody reads again, are gone."""
    cache.build([HELLO])

    program = cache.cache_folder() / HELLO.key / "bin" / "greet"
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "hello\n"
    assert {HELLO.key, "build.lock"} == {entry.name for entry in cache.cache_folder().iterdir()}

    key_before = HELLO.key
    (source / "go.sum").write_text("changed")
    assert key_before != HELLO.key


def test_a_build_that_fails_leaves_no_program_and_says_why(source: Path) -> None:
    """The error holds what the compiler said; the cache does not hold the family, so the next run builds it."""
    (source / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")

    with pytest.raises(BuildFailed, match="undefined: nonsense"):
        cache.build([HELLO])

    assert not (cache.cache_folder() / HELLO.key).exists()
