"""Reading concentration rasters: chosen bands, strips within the memory budget, even samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gossan.core.blocks import Block, plan, rows_for_budget
from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.raster import Raster
from gossan.models.metals.statistics import complete


def chosen_bands(image: Raster, bands: Sequence[int]) -> list[int]:
    """Return the 0-based indexes of the bands that the user chose, all when none."""
    count = image.info.count
    wrong = [band for band in bands if not 1 <= band <= count]
    if wrong:
        raise InputError(
            f"{image.info.path} has {count} band(s); there is no band {', '.join(map(str, wrong))}."
        )
    return [band - 1 for band in bands] if bands else list(range(count))


def strips(
    image: Raster, chosen: list[int], progress: Progress
) -> Iterator[tuple[Block, np.ndarray]]:
    """Yield the strips of an image with the chosen bands, (rows, columns, bands)."""
    info = image.info
    blocks = plan(
        info.height,
        info.width,
        rows=rows_for_budget(info.width, 24 * len(chosen)),
        columns=info.width,
    )
    for step, block in enumerate(blocks):
        progress.fraction(step / len(blocks))
        yield block, image.read(block.inner, chosen)


def even_sample(image: Raster, chosen: list[int], most: int, progress: Progress) -> np.ndarray:
    """Return at most `most` complete pixels, evenly taken over the image, (pixels, bands)."""
    step = max(1, -(-image.info.height * image.info.width // most))
    kept = []
    passed = 0
    for _, strip in strips(image, chosen, progress):
        rows = strip.reshape(-1, strip.shape[-1])
        kept.append(complete(rows[-passed % step :: step]))
        passed += len(rows)
    values = np.concatenate(kept)
    if len(values) == 0:
        raise InputError(
            f"{image.info.path}: no pixel is valid in all the chosen bands "
            f"({', '.join(image.info.bands[i].name for i in chosen)})."
        )
    return values


def pixel_area(image: Raster) -> tuple[float, str]:
    """Return the area of a pixel and its unit: hectares, or pixels where the map has no metres."""
    side = image.info.ground_sampling_distance
    if side is None:
        return 1.0, "pixels"
    return side**2 / 10_000.0, "ha"
