"""Small Landsat scenes that lie askew in their collars, for tests."""

from __future__ import annotations

import numpy as np
import rasterio
from affine import Affine
from rasterio.warp import transform as transform_points

CELL = 30.0
CRS = "EPSG:32649"


def askew(side, shrink=0.62):
    """Return which pixels of a square lie in a smaller, turned square."""
    centre = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - centre
    angle = np.radians(-14.0)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (np.abs(along) <= shrink * side / 2) & (np.abs(across) <= shrink * side / 2)


def write_scene(
    folder,
    name,
    values,
    *,
    path=123,
    row=41,
    spacecraft="LANDSAT_8",
    left=500_000.0,
    top=3_100_000.0,
    dtype="uint16",
    quality=None,
    gains=True,
    crs=CRS,
    sun=45.0,
):
    """Write a scene of one band, B7, with its MTL file; return the path of that file.

    ``values`` are the stored numbers (rows, columns), 0 in the collar.
    """
    here = folder / name
    here.mkdir(parents=True)
    height, width = values.shape
    transform = Affine(CELL, 0, left, 0, -CELL, top)

    def save(file, array, kind):
        with rasterio.open(
            here / file, "w", driver="GTiff", height=height, width=width, count=1, dtype=kind,
            crs=crs, transform=transform,
        ) as dataset:  # fmt: skip
            dataset.write(array.astype(kind), 1)

    save(f"{name}_B7.TIF", values, dtype)
    right, bottom = left + (width - 0.5) * CELL, top - (height - 0.5) * CELL
    x = [left + CELL / 2, right, right, left + CELL / 2]
    y = [top - CELL / 2, top - CELL / 2, bottom, bottom]
    longitude, latitude = transform_points(CRS, "EPSG:4326", x, y)
    lines = ["GROUP = LANDSAT_METADATA_FILE", "GROUP = PRODUCT_CONTENTS"]
    lines += [f'LANDSAT_PRODUCT_ID = "{name}"', 'PROCESSING_LEVEL = "L1TP"']
    lines += [f'FILE_NAME_BAND_7 = "{name}_B7.TIF"']
    if quality is not None:
        save(f"{name}_QA_PIXEL.TIF", quality, "uint16")
        lines.append(f'FILE_NAME_QUALITY_L1_PIXEL = "{name}_QA_PIXEL.TIF"')
    lines += ["END_GROUP = PRODUCT_CONTENTS", "GROUP = IMAGE_ATTRIBUTES"]
    lines += [f'SPACECRAFT_ID = "{spacecraft}"', 'SENSOR_ID = "OLI_TIRS"']
    lines += [f"WRS_PATH = {path}", f"WRS_ROW = {row}", "DATE_ACQUIRED = 2020-08-19"]
    lines += [f"SUN_ELEVATION = {sun}", "END_GROUP = IMAGE_ATTRIBUTES"]
    lines += ["GROUP = PROJECTION_ATTRIBUTES"]
    for corner, lon, lat in zip(("UL", "UR", "LR", "LL"), longitude, latitude):
        lines += [f"CORNER_{corner}_LAT_PRODUCT = {lat:.6f}"]
        lines += [f"CORNER_{corner}_LON_PRODUCT = {lon:.6f}"]
    lines += ["END_GROUP = PROJECTION_ATTRIBUTES"]
    if gains:
        lines += ["GROUP = LEVEL1_RADIOMETRIC_RESCALING", "REFLECTANCE_MULT_BAND_7 = 2.0E-05"]
        lines += ["REFLECTANCE_ADD_BAND_7 = -0.1", "END_GROUP = LEVEL1_RADIOMETRIC_RESCALING"]
    lines += ["END_GROUP = LANDSAT_METADATA_FILE", "END", ""]
    metadata = here / f"{name}_MTL.txt"
    metadata.write_text("\n".join(lines))
    return metadata


def product(path, row, day="20200819", prefix="LC08"):
    """Return the identifier of a product."""
    return f"{prefix}_L1TP_{path:03d}{row:03d}_{day}_{day}_02_T1"


def degrees_of(left, top, column, row):
    """Return longitude and latitude of a place in a scene, in pixels from its corner."""
    longitude, latitude = transform_points(
        CRS, "EPSG:4326", [left + column * CELL], [top - row * CELL]
    )
    return longitude[0], latitude[0]
