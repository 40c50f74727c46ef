"""Laboratory spectra of the soil samples, 350 to 2500 nm, and the table that goes with them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gossan.core.tables import write_table
from gossan.examples.district.fields import Chance
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.soils import METALS, SoilSamples
from gossan.examples.district.spectra import Palette
from gossan.examples.district.world import MINING, SOIL, TAILINGS
from gossan.models.endmembers.parametric import Absorption

WAVELENGTHS = np.arange(350.0, 2501.0)
REPLICATES = 3
_GROUNDS = (SOIL, MINING, TAILINGS)

# What substances do to ln(reflectance) per unit of their amount, as they absorb.
_IRON = (
    Absorption(482, 40, 0.10),
    Absorption(530, 32, 0.05),
    Absorption(905, 85, 0.09),
)
_CLAY = (Absorption(1412, 16, 0.10), Absorption(1912, 40, 0.16), Absorption(2206, 18, 0.17))
_ORGANIC = (Absorption(600, 260, 0.12), Absorption(1725, 30, 0.010), Absorption(2310, 40, 0.012))
# Antimony sits on iron oxides and with white mica: it deepens what they do, and a little more.
_ANTIMONY = (
    Absorption(575, 60, 0.008),
    Absorption(930, 70, 0.011),
    Absorption(2196, 15, 0.012),
    Absorption(2345, 24, 0.007),
)
# Whatever else a soil holds: each absorbs by a chance amount.
_OTHERS = (
    Absorption(420, 30, 0.05),
    Absorption(560, 90, 0.06),
    Absorption(690, 50, 0.03),
    Absorption(880, 110, 0.06),
    Absorption(1150, 160, 0.05),
    Absorption(1430, 40, 0.06),
    Absorption(1760, 60, 0.02),
    Absorption(1930, 60, 0.10),
    Absorption(2170, 14, 0.03),
    Absorption(2215, 20, 0.06),
    Absorption(2290, 24, 0.03),
    Absorption(2345, 26, 0.05),
)


class Soils(NamedTuple):
    """What else the laboratory found: per cent of iron, clay and organic matter (n,)."""

    iron: npt.NDArray[np.float64]
    clay: npt.NDArray[np.float64]
    organic: npt.NDArray[np.float64]


def write(settings: Settings, folder: Path, samples: SoilSamples) -> list[Product]:
    """Write the spectra and the element table of the samples."""
    chance = settings.world.chance
    soils = covariates(samples, chance)
    spectra = laboratory_spectra(
        samples, soils, chance, settings.difficulty.spectrometer_noise
    )  # (samples, replicates, bands)
    unique = len(samples.names) - 2
    rows = [
        [f"{samples.names[sample]}_{replicate + 1}", *values]
        for sample in range(unique)
        for replicate, values in enumerate(spectra[sample].round(5).tolist())
    ]
    header = ["spectrum", *(f"{nm:g}" for nm in WAVELENGTHS)]
    write_table(folder / "laboratory_spectra.csv", header, rows)
    _write_elements(folder / "laboratory_elements.csv", samples, soils)
    return [
        Product(
            "laboratory_spectra",
            "laboratory_spectra.csv",
            "table",
            f"Laboratory reflectance 350-2500 nm, {REPLICATES} replicates per sample",
            details={"replicates": REPLICATES, "names": "<sample>_<replicate>"},
        ),
        Product(
            "laboratory_elements",
            "laboratory_elements.csv",
            "table",
            "Elements and covariates of the samples, with the laboratory's control rows",
            details={"unit": "mg/kg; Fe, clay and organic matter in %"},
        ),
    ]


def covariates(samples: SoilSamples, chance: Chance) -> Soils:
    """Return iron, clay and organic matter (per cent) of the samples."""
    rng = chance.generator("covariates")
    mining, tailings = samples.ground[:, 1], samples.ground[:, 2]
    count = len(mining)
    iron = 2.4 + 4.5 * mining + 1.2 * tailings + rng.normal(0.0, 0.5, count)
    clay = 27.0 - 9.0 * tailings + rng.normal(0.0, 5.0, count)
    organic = 2.6 * (1.0 - 0.8 * (mining + tailings)) + rng.normal(0.0, 0.6, count)
    return Soils(
        np.clip(iron, 0.8, None).round(2),
        np.clip(clay, 4.0, None).round(1),
        np.clip(organic, 0.15, None).round(2),
    )


def laboratory_spectra(
    samples: SoilSamples, soils: Soils, chance: Chance, noise: float
) -> npt.NDArray[np.float64]:
    """Return reflectance (samples, replicates, bands) at `WAVELENGTHS`.

    Grains of soil, mining soil and tailings mix intimately (in ln(reflectance)); iron, clay,
    organic matter and antimony absorb by their amounts. Replicates differ by packing, the steps
    between the three detectors (at 1000 and 1800 nm) and noise.
    """
    rng = chance.generator("laboratory")
    palette = Palette(WAVELENGTHS, np.full(len(WAVELENGTHS), 3.0))
    count, bands = len(samples.names), len(WAVELENGTHS)
    absorbed = np.zeros((count, bands))
    for part, material in enumerate(_GROUNDS):
        spectra = np.log(palette.varieties[material])
        shares = rng.dirichlet(np.full(len(spectra), 1.5), size=count)
        absorbed += samples.ground[:, [part]] * (shares @ spectra)
    antimony = np.log(samples.truth[:, METALS.index("Sb")] / 6.0)
    for amount, absorptions in (
        (soils.iron - 2.4, _IRON),
        ((soils.clay - 25.0) / 10.0, _CLAY),
        (soils.organic - 2.0, _ORGANIC),
        (antimony, _ANTIMONY),
    ):
        shape = sum(
            band.depth * np.exp(-0.5 * ((WAVELENGTHS - band.centre) / band.width) ** 2)
            for band in absorptions
        )
        absorbed -= amount[:, None] * np.asarray(shape)
    for band in _OTHERS:
        amount = rng.normal(0.0, band.depth, (count, 1))
        absorbed -= amount * np.exp(-0.5 * ((WAVELENGTHS - band.centre) / band.width) ** 2)
    soil = np.exp(absorbed)[:, None, :]
    packing = np.exp(rng.normal(0.0, 0.04, (count, REPLICATES, 1)))
    tilt = rng.normal(0.0, 0.015, (count, REPLICATES, 1)) * (WAVELENGTHS - 1400.0) / 1000.0
    spectra = soil * packing * (1.0 + tilt)
    spectra[..., WAVELENGTHS <= 1000] *= 1.0 + rng.normal(0.0, 0.006, (count, REPLICATES, 1))
    spectra[..., WAVELENGTHS > 1800] *= 1.0 + rng.normal(0.0, 0.004, (count, REPLICATES, 1))
    ends = 1.0 + 4.0 * np.exp(-(WAVELENGTHS - 350.0) / 30.0)
    ends += 3.0 * np.exp((WAVELENGTHS - 2500.0) / 60.0)
    spectra += noise * ends * rng.standard_normal(spectra.shape)
    return np.clip(spectra, 0.001, 0.999)


def _write_elements(path: Path, samples: SoilSamples, soils: Soils) -> None:
    """Write the element table with blanks, a standard and a duplicate, as laboratories do."""
    middle = np.median(samples.x), np.median(samples.y)
    header = ["sample", "area", *METALS, "Fe", "clay", "organic_matter"]
    rows: list[list[object]] = []
    for index, name in enumerate(samples.names[:-2]):
        north = "north" if samples.y[index] > middle[1] else "south"
        area = north + ("-east" if samples.x[index] > middle[0] else "-west")
        own = [soils.iron[index], soils.clay[index], soils.organic[index]]
        rows.append([name, area, *samples.texts[index], *own])
    again = rows[len(rows) // 4]
    rows.insert(10, ["BLANK", "", *("<0.02" for _ in METALS), "<0.01", "", ""])
    rows.insert(25, ["STD GX-2", "", *(f"{40 + 7 * n:g}" for n in range(len(METALS))), 3.1, "", ""])
    rows.append([f"{again[0]} DUP", *again[1:]])
    rows.append(["Detection limit", "", *("0.02" for _ in METALS), 0.01, "", ""])
    write_table(path, header, rows)
