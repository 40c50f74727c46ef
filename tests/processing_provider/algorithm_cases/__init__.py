"""One row per algorithm of the toolbox: how to run it on the district, and what it must refuse.

Texts that begin with ``district:`` are files of the district by their name in its manifest; texts
such as ``made:extractendmembers.LIBRARY`` are outputs of another row; ``extent:`` and a raster of
the district are its extent, and ``server:`` is a catalogue of the district's dated images, and
``camera:`` is one of its rasters with RPCs. Every group has a module.
"""

from __future__ import annotations

from algorithm_cases import (
    deposits,
    endmembers,
    imagery,
    lithology,
    metals,
    mines,
    soilspectra,
)
from algorithm_cases.case import Case

CASES: dict[str, Case] = {
    case.id: case
    for group in (endmembers, imagery, metals, soilspectra, lithology, deposits, mines)
    for case in group.CASES
}
