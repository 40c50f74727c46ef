"""What an extraction leaves on the map: source pixels as points, spectral angles as bands."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gossan.core.blocks import Block, run
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter
from gossan.core.spectra import spectral_angle
from gossan.core.vectors import point, write_features
from gossan.models.endmembers.extraction import Extraction
from gossan.models.endmembers.raster_scene import RasterScene

POINT_FIELDS: dict[str, type] = {
    "name": str,
    "source": str,
    "purity": float,
    "hits": int,
    "class": str,
    "angle": float,
    "row": int,
    "column": int,
}
"""Fields of the source pixels."""


def write_points(extraction: Extraction, info: RasterInfo, path: str, origin: Origin) -> None:
    """Write the centres of the source pixels as points (.geojson).

    A raster without position gives pixel coordinates: column, and row counted downwards.
    """
    rows, geometries = [], []
    for index, name in enumerate(extraction.names):
        row, column = int(extraction.rows[index]), int(extraction.columns[index])
        x, y = column + 0.5, row + 0.5
        if info.transform is not None:
            a, b, c, d, e, f = tuple(info.transform)[:6]
            x, y = a * x + b * y + c, d * x + e * y + f
        rows.append(
            {
                "name": name,
                "source": extraction.sources[index],
                "purity": float(extraction.purity[index]),
                "hits": int(extraction.hits[index]),
                "class": extraction.classes[index],
                "angle": float(extraction.angles[index]),
                "row": row,
                "column": column,
            }
        )
        geometries.append(point(x, y))
    write_features(
        path,
        rows,
        geometries,
        fields=POINT_FIELDS,
        crs_wkt=info.crs_wkt,
        name="endmembers",
        tags=origin.tags(),
    )


def write_angles(
    scene: RasterScene, extraction: Extraction, path: str, origin: Origin, progress: Progress
) -> None:
    """Write the spectral angle of every pixel to every endmember, a band each, in radians."""
    writer = RasterWriter.like(
        path, scene.info, bands=extraction.names, tags=origin.tags(), units="rad"
    )

    def compute(_: Block, spectra: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        pixels = spectra.reshape(-1, scene.bands)
        angles = spectral_angle(pixels, extraction.spectra)
        return angles.reshape(*spectra.shape[:2], -1).astype(np.float32)

    with writer:
        run(
            scene.blocks(),
            lambda block: scene.image(block.outer),
            compute,
            lambda block, angles: writer.write(block.inner, angles),
            progress,
        )
        # The last look before the file appears: what follows is quick and not stopped half-way.
        progress.check()
