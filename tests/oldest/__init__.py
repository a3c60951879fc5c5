"""
The oldest libraries that the instrumentation supports, in an environment of their own.

The oldest FastAPI is 0.100.0: the first that runs on Pydantic 2, and so on every Python that we run on. `requirements.in` says why each
of the others is the oldest; `requirements.lock` is made from it by ``make lock``.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_BUILD = _HERE.parents[1] / "build"


def python() -> str:
    """Return the interpreter of the environment, which is made if need be (some 15 s, once)."""
    lock = _HERE / "requirements.lock"
    folder = _BUILD / f"oldest-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    interpreter, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(lock)]
        subprocess.run(pip, check=True)
        ready.touch()
    return str(interpreter)
