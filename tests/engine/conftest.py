"""The engine's Python, and processes seen from outside."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def engine_python() -> Path:
    """The Python of the engine's environment; tests that need it are skipped where it is absent."""
    chosen = os.environ.get("GOSSAN_ENGINE", str(ROOT / ".venv" / "bin" / "python"))
    if not Path(chosen).exists():
        pytest.skip("the engine is not set up: ./run setup")
    return Path(chosen)


@pytest.fixture
def plugin(tmp_path) -> Path:
    """A plugin folder with lock files for Python 3.11 only."""
    root = tmp_path / "plugin"
    requirements = root / "engine" / "requirements"
    requirements.mkdir(parents=True)
    (requirements / "engine-py3.11.txt").write_text("# pinned\nnumpy==2.4.6\nscipy==1.17.1\n")
    (requirements / "networks-py3.11.txt").write_text("tensorflow==2.21.0\n")
    (requirements / "test-py3.11.txt").write_text("pytest==9.2.0\n")
    return root


@pytest.fixture
def process_is_gone() -> Callable[[int, float], bool]:
    """A function that waits until a process is gone (or only waits to be buried by init)."""

    def gone(pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not _alive(pid):
                return True
            time.sleep(0.02)
        return False

    return gone


def _alive(pid: int) -> bool:
    if sys.platform != "linux":
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
