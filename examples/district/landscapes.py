"""What the simulated country looks like: the humid one of all published figures, and a dry one.

A detector that learnt in the humid country has never seen the dry one, which is full of what it
takes for mines: fields of ochre earth after ploughing, gravel bars of braided rivers, shallow
reservoirs with turbid water and salt around it. None of them is of a mine's materials.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN_SOILS = ("ochre earth", "river gravel", "salt crust")
"""Soils that only some landscapes have; their spectra are in `gossan.examples.district.spectra`."""


@dataclass(frozen=True)
class Landscape:
    """What differs from country to country.

    Parameters
    ----------
    bare : float
        Parcels of farmland with a number below lie bare, those below 0.08 as stubble.
    estates : float
        The same on the land of estates, which plough together; 0 where there are none.
    braided : float
        Mean reach of the gravel beside the rivers, metres; 0 where rivers keep to one bed.
    reservoirs : bool
        Whether there are shallow reservoirs beside the irrigation ponds.
    silt : float
        Share of the irrigation ponds' water that silt hides.
    own_soils : bool
        Whether fields, banks and dry ponds have soils of their own.
    """

    bare: float = 0.30
    estates: float = 0.0
    braided: float = 0.0
    reservoirs: bool = False
    silt: float = 0.0
    own_soils: bool = False


HUMID, DRY = "humid", "dry"
LANDSCAPES = {
    HUMID: Landscape(),
    DRY: Landscape(
        bare=0.5, estates=0.96, braided=220.0, reservoirs=True, silt=0.22, own_soils=True
    ),
}
"""The landscapes by name."""
