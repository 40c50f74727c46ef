"""Freed memory that stays with the process."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys

import numpy as np

from gossan.core.memory import keep_freed_memory

if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit(3)


def touch():
    np.ones(20_000_000, dtype=np.uint8)


touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(choice: str) -> int:
    """Count the pages that the system had to provide, set up as Dask sets up its workers."""
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, choice],
        env={"MALLOC_TRIM_THRESHOLD_": "65536", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        pytest.skip("not the GNU C library")
    return int(done.stdout)


def test_kept_memory_is_not_asked_for_again():
    assert faults("keep") < faults("leave") / 10
