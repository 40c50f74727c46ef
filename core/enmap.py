"""EnMAP products: wavelengths and scale from the METADATA.XML beside the image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gossan.core.wavelength_units import NUMBER

_IMAGE = re.compile(r"SPECTRAL_IMAGE.*$", re.IGNORECASE)
_NUMBER = rf"\s*({NUMBER})\s*"


@dataclass(frozen=True)
class EnmapBands:
    """Per band of an EnMAP image: centre and width (nm), scale and offset to reflectance."""

    wavelengths: tuple[float, ...]
    fwhm: tuple[float, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]


def read_enmap_metadata(image: str, count: int) -> EnmapBands | None:
    """Read the metadata that belong to an EnMAP image.

    Parameters
    ----------
    image : str
        The ``...SPECTRAL_IMAGE.TIF``.
    count : int
        Its number of bands.

    Returns
    -------
    EnmapBands or None
        None where the image is none of EnMAP's, or its metadata are missing or of other bands.
    """
    path = Path(image)
    if not _IMAGE.search(path.name):
        return None
    metadata = path.with_name(_IMAGE.sub("METADATA.XML", path.name))
    if not metadata.is_file():
        return None
    # The few numbers that are needed stand in elements without attributes or nesting, so that no
    # XML parser has to trust the file.
    text = metadata.read_text(encoding="utf-8", errors="replace")
    columns = [
        tuple(float(value) for value in re.findall(f"<{tag}>{_NUMBER}</{tag}>", text))
        for tag in ("wavelengthCenterOfBand", "FWHMOfBand", "GainOfBand", "OffsetOfBand")
    ]
    if any(len(column) != count for column in columns):
        return None
    return EnmapBands(*columns)
