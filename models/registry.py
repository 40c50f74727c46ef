"""The jobs that the engine runs, by name."""

from __future__ import annotations

JOBS: dict[str, str] = {}
"""Name of each job and where its function is, as ``module:function``."""
