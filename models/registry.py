"""The jobs that the engine runs, by name."""

from __future__ import annotations

JOBS: dict[str, str] = {
    "abundances.estimate": "gossan.models.abundances.jobs:estimate",
    "spectra.map_angles": "gossan.models.spectra.jobs:map_angles",
    "spectra.resample_library": "gossan.models.spectra.jobs:resample_library",
}
"""Name of each job and where its function is, as ``module:function``."""
