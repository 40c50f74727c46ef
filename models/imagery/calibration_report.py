"""The report of a calibration: gains, offsets and what was taken off each band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gossan.core.landsat_mtl import Rescaling
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.imagery.atmosphere import DARK_REFLECTANCE
from gossan.models.imagery.calibrated_bands import CalibratedBand


@dataclass(frozen=True)
class Correction:
    """What is done to reflectance after its calibration.

    Parameters
    ----------
    kind : str
        One of `gossan.models.imagery.atmosphere.CORRECTIONS`.
    rescalings : tuple of Rescaling
        Of each band; empty for none.
    dark : tuple of float
        Darkest reflectance of each band, for dark objects.
    rmse : tuple of float
        Differences at the targets of each band, for empirical lines.
    targets : tuple of str
        Their names.
    """

    kind: str
    rescalings: tuple[Rescaling, ...]
    dark: tuple[float, ...] = ()
    rmse: tuple[float, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def path_reflectance(self) -> float | None:
        """What was taken off for dark objects, mean over the bands; None otherwise."""
        if not self.dark:
            return None
        return -float(np.mean([rescaling.offset for rescaling in self.rescalings]))

    def tags(self) -> dict[str, str]:
        """Return what a raster tells of it."""
        return {} if self.kind == "none" else {"atmospheric_correction": self.kind}


def write_report(
    path: str,
    origin: Origin,
    bands: Sequence[CalibratedBand],
    correction: Correction,
    counts: Mapping[str, int],
) -> None:
    """Write the report of a calibration as one HTML file.

    Parameters
    ----------
    path : str
    origin : Origin
    bands : sequence of CalibratedBand
    correction : Correction
    counts : mapping
        ``values`` written, ``negative`` and ``bright`` ones.
    """
    page = Report.from_origin("Reflectance", origin)
    page.paragraph("Reflectance = stored number x gain + offset.")
    page.table(
        ["band", "wavelength (nm)", "gain", "offset", "as told by"],
        [
            [
                each.band.name,
                each.band.wavelength,
                f"{each.source.gain:.7g}",
                f"{each.source.shift:.7g}",
                each.told_by,
            ]
            for each in bands
        ],
        "Before any correction for the air.",
    )
    if correction.kind == "dark object":
        page.heading("Dark objects")
        page.table(
            ["band", "darkest reflectance", "taken off"],
            [
                [each.band.name, dark, -rescaling.offset]
                for each, dark, rescaling in zip(bands, correction.dark, correction.rescalings)
            ],
            f"The darkest object is taken to reflect {DARK_REFLECTANCE:.0%} (Chavez 1988). "
            "What light the air adds is taken off; what it swallows is not put back.",
        )
    if correction.kind == "empirical line":
        page.heading("Empirical line")
        if len(correction.targets) < 3:
            page.warning(
                "Two targets fit any line: how well it holds elsewhere is not known. Add targets."
            )
        page.table(
            ["band", "gain", "offset", "RMSE at the targets (reflectance)"],
            [
                [each.band.name, rescaling.gain, rescaling.offset, rmse]
                for each, rescaling, rmse in zip(bands, correction.rescalings, correction.rmse)
            ],
            f"Fitted through {', '.join(correction.targets)} (Smith and Milton 1999).",
        )
    page.heading("What came out")
    total = max(counts["values"], 1)
    page.table(
        ["quantity", "value"],
        [
            ["values", counts["values"]],
            ["below 0 (%)", 100.0 * counts["negative"] / total],
            ["above 1 (%)", 100.0 * counts["bright"] / total],
        ],
    )
    page.write(path)
