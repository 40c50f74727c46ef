"""How to try the jobs of the toolbox in a second or two each, and which are tried elsewhere.

Each module holds `CALLS`: for a job its inputs, in which ``{name}`` stands for a file of the world
of tests, and the names of the files that it writes. ``make(folder)`` makes such files, by name.
"""

from __future__ import annotations

from job_calls import deposits, hyperspectral, imagery, lithology, metals, mines, soil_spectra
from job_calls.elsewhere import TRIED_ELSEWHERE, WRITES_NOTHING, Elsewhere

CALLS = {
    **hyperspectral.CALLS,
    **metals.CALLS,
    **imagery.CALLS,
    **lithology.CALLS,
    **soil_spectra.CALLS,
    **deposits.CALLS,
    **mines.CALLS,
}
MAKERS = (imagery.make, lithology.make, soil_spectra.make, deposits.make, mines.make)

__all__ = ["CALLS", "MAKERS", "TRIED_ELSEWHERE", "WRITES_NOTHING", "Elsewhere"]
