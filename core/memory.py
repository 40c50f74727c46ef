"""Keeping freed memory at hand for work that frees large arrays and asks for them again.

The C library hands large pieces back to the system at once, which has to clear them before their
next use; Dask even sets up its workers so (``MALLOC_TRIM_THRESHOLD_``). For a network over an image
that costs up to a third of the time.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the settings in ``malloc.h`` of the GNU C library."""

_KEPT_BYTES = 256 * 2**20
_LARGEST_PIECE = 32 * 2**20
"""The most that the GNU C library allows."""


def keep_freed_memory() -> bool:
    """Have this process keep what it frees, up to a quarter of a GiB; say whether that is possible.

    Once set, the C library no longer adapts these limits by itself.
    """
    library = _gnu_library()
    if library is None:
        return False
    kept = library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
    return bool(kept and library.mallopt(_MMAP_THRESHOLD, _LARGEST_PIECE))


def release_freed_memory() -> None:
    """Hand what was kept back to the system, as at the end of a job."""
    library = _gnu_library()
    if library is not None:
        library.malloc_trim(0)


def _gnu_library() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
