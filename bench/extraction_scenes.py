"""Samson and Jasper Ridge with their reference endmembers, and priors for them from USGS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.optimize import linear_sum_assignment

from gossan.core.spectra import SpectralLibrary, read_library, spectral_angle

PRIORS = {
    "soil": (r"^Sand DWO.* no ", r"^Sand GrndIsle", r"^Grass_dry\.9"),
    "tree": (r"^Aspen_Leaf", r"^Douglas-Fir YNP.*forest", r"Oak-Leaf-1 fresh", r"^Walnut_Leaf"),
    "water": (r"^Seawater", r"^Water\+Montmor SWy-2\+(0.50|1.67)", r"^MarshWater"),
    "road": (r"^Asphalt GDS376", r"^Asphalt_Tar", r"^Concrete"),
}
"""Names of USGS spectra for each class; none of them comes from the scenes."""


@dataclass(frozen=True, eq=False)
class ReferenceScene:
    """A scene (rows, columns, bands), its wavelengths in nm, reference spectra and priors."""

    name: str
    spectra: np.ndarray
    wavelengths: np.ndarray
    reference: np.ndarray
    priors: SpectralLibrary


def reference_scenes(data: Path) -> list[ReferenceScene]:
    """Read both scenes from the folder of shared data."""
    usgs = read_library(data / "spectral_libraries" / "s07_AV95_envi.hdr")
    samson = loadmat(data / "endmembers" / "Samson.mat")
    jasper = loadmat(data / "endmembers" / "Jasper.mat")
    numbers = loadmat(data / "endmembers" / "jasperRidge2_R198.mat")["SlectBands"].ravel() - 1
    return [
        ReferenceScene(
            "Samson",
            _image(samson["Y"].astype(float), 95),
            np.linspace(401.0, 889.0, 156),
            samson["GT"],
            _priors(usgs, ("soil", "tree", "water")),
        ),
        ReferenceScene(
            "Jasper Ridge",
            _image(jasper["Y"] / 5437.0, 100),
            usgs.wavelengths[numbers],
            jasper["GT"],
            _priors(usgs, ("soil", "tree", "water", "road")),
        ),
    ]


def angles_to_reference(spectra: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the angle (references,) of each reference to the endmember matched to it, in rad."""
    angles = spectral_angle(reference, spectra)
    result = np.full(len(reference), np.pi / 2)
    rows, columns = linear_sum_assignment(angles)
    result[rows] = angles[rows, columns]
    return result


def _image(pixels: np.ndarray, side: int) -> np.ndarray:
    """Return (rows, columns, bands) of (bands, pixels) whose pixels run down the columns."""
    return pixels.T.reshape(side, side, -1).transpose(1, 0, 2)


def _priors(usgs: SpectralLibrary, classes: tuple[str, ...]) -> SpectralLibrary:
    chosen, groups = [], []
    for group in classes:
        for index, name in enumerate(usgs.names):
            if any(re.search(pattern, name) for pattern in PRIORS[group]):
                chosen.append(index)
                groups.append(group)
    part = usgs.subset(chosen)
    return SpectralLibrary(
        names=part.names,
        spectra=part.spectra,
        wavelengths=part.wavelengths,
        classes=tuple(groups),
        sources=part.sources,
    )
