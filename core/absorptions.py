"""Where in a spectrum which ingredient absorbs light: a short table for reading curves by eye.

Standard library only, so that the docks and the engine may both import it.

References
----------
Hunt (1977), Spectral signatures of particulate minerals in the visible and near infrared.
Geophysics 42, 501-513. Clark (1999), Spectroscopy of rocks and minerals, and principles of
spectroscopy. Manual of Remote Sensing 3, 3-58. Crowley et al. (2003), Spectral reflectance
properties (0.4-2.5 um) of secondary Fe-oxide, Fe-hydroxide and Fe-sulphate-hydrate minerals
associated with sulphide-bearing mine wastes. Geochemistry 3, 219-228. Curran (1989), Remote sensing
of foliar chemistry. Remote Sensing of Environment 30, 271-278.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Absorption:
    """A range in which something absorbs.

    Attributes
    ----------
    low, centre, high : float
        Where the dip begins, is usually deepest, and ends, nm.
    name : str
        What absorbs.
    seen_in : str
        Where one meets it, with what shifts the centre.
    source : str
        Author and year, of the references above.
    """

    low: float
    centre: float
    high: float
    name: str
    seen_in: str
    source: str

    def __str__(self) -> str:
        return f"{self.name} {self.centre:.0f} nm ({self.seen_in})"


ABSORPTIONS = (
    Absorption(430, 450, 500, "Chlorophyll and carotenoids", "green plants", "Curran 1989"),
    Absorption(480, 500, 550, "Fe\u00b3\u207a", "goethite 480, haematite 530-550", "Crowley 2003"),
    Absorption(640, 680, 700, "Chlorophyll", "green plants", "Curran 1989"),
    Absorption(
        *(840, 900, 960),
        *("Fe\u00b3\u207a", "haematite 860, jarosite 910, goethite 920-940", "Crowley 2003"),
    ),
    Absorption(940, 970, 1000, "Water in leaves", "green plants", "Curran 1989"),
    Absorption(
        1000, 1050, 1120, "Fe\u00b2\u207a", "olivine, pyroxene, chlorite, siderite", "Hunt 1977"
    ),
    Absorption(1150, 1200, 1250, "Water in leaves", "green plants", "Curran 1989"),
    Absorption(
        1370, 1400, 1450, "OH and water", "clays, micas, moist ground; also the air", "Hunt 1977"
    ),
    Absorption(1730, 1750, 1790, "Sulphates", "gypsum 1750, alunite 1760", "Clark 1999"),
    Absorption(
        1860, 1900, 1980, "Water", "smectite, gypsum, moist ground; also the air", "Hunt 1977"
    ),
    Absorption(2060, 2100, 2140, "Cellulose and lignin", "dry plants, litter", "Curran 1989"),
    Absorption(
        *(2155, 2200, 2225),
        *("Al-OH", "kaolinite 2160 and 2205, white mica 2195-2225, smectite 2210", "Clark 1999"),
    ),
    Absorption(
        2235, 2265, 2290, "Fe-OH", "jarosite 2265, chlorite 2250, nontronite 2290", "Clark 1999"
    ),
    Absorption(2295, 2320, 2335, "Mg-OH", "chlorite, serpentine, talc, amphibole", "Clark 1999"),
    Absorption(2310, 2340, 2365, "Carbonate", "dolomite 2320, calcite 2340", "Clark 1999"),
    Absorption(2490, 2530, 2570, "Carbonate", "dolomite 2510, calcite 2540", "Clark 1999"),
)
"""By rising wavelength; ranges may overlap."""


def absorptions_at(wavelength: float) -> list[Absorption]:
    """Return what absorbs at a wavelength (nm), the nearest centre first."""
    found = [each for each in ABSORPTIONS if each.low <= wavelength <= each.high]
    return sorted(found, key=lambda each: abs(each.centre - wavelength))
