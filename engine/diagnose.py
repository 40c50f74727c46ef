"""What the engine has and where it runs, for the user's eyes and for error reports."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Any

from gossan.core.origin import gossan_version
from gossan.core.progress import Progress
from gossan.engine.environment import ROOT

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "rasterio",
    "numba",
    "matplotlib",
    "skops",
    "safetensors",
    "dask",
    "distributed",
    "tensorflow",
    "onnxruntime",
)


def diagnose(progress: Progress) -> dict[str, Any]:
    """Return versions of Gossan, Python and the packages, platform, memory (GiB) and cores.

    A package that is not installed has the version None.
    """
    progress.check()
    total, available = _memory()
    return {
        "gossan": gossan_version(),
        "folder": str(ROOT),
        "python": platform.python_version(),
        "executable": sys.executable,
        "pid": os.getpid(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": total,
        "memory_available_gib": available,
        "packages": {name: _version(name) for name in PACKAGES},
        "cache": os.environ.get("NUMBA_CACHE_DIR", ""),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _memory() -> tuple[float | None, float | None]:
    """Return total and available memory in GiB; None each where psutil is missing."""
    try:
        import psutil
    except ImportError:
        return None, None
    memory = psutil.virtual_memory()
    return round(memory.total / 2**30, 1), round(memory.available / 2**30, 1)
