"""The job that unmixes a scene: from a raster and a spectral library to abundance maps."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from gossan.core import blocks
from gossan.core.blocks import Block
from gossan.core.errors import InputError, naming
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import Raster, RasterWriter, open_raster
from gossan.core.spectra import read_library
from gossan.models.abundances.methods import METHODS, Method, prepare_method, residual_rmse
from gossan.models.abundances.nmf import sample_spectra
from gossan.models.abundances.statistics import AbundanceStatistics
from gossan.models.spectra.matching import MatchedLibrary, match_library
from gossan.models.spectra.scene import (
    pixel_table,
    plan_blocks,
    reflectance_factor,
    require_pixels,
)

RESIDUAL_BAND = "residual RMSE"
SUM_BAND = "sum"

_SAMPLED_BLOCKS = 16


@job_files(reads=("raster", "library", "wavelengths"), writes=("output",))
def estimate(
    progress: Progress,
    *,
    raster: str,
    library: str,
    output: str,
    method: str = "nnls",
    normalise: bool = False,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water_bands: bool = True,
    collars: bool = True,
    by_position: bool = False,
    mixtures: int = 1000,
    iterations: int = 200,
    seed: int = 0,
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Map how much of each endmember every pixel holds.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Path of the hyperspectral scene.
    library : str
        Path of the spectral library with one endmember per spectrum.
    output : str
        Path of the GeoTIFF to write: one band per endmember, then ``residual RMSE`` (reflectance)
        and ``sum``.
    method : str
        ``nnls``, ``fcls``, ``nmf``, ``svr`` or ``unconstrained``, in any case.
    normalise : bool
        Divide the abundances of each pixel by their sum; the residual and the ``sum`` band stay
        those of the abundances as estimated.
    wavelengths : str
        Path of a CSV with the wavelengths of the scene's bands; "" takes the scene's metadata.
    scale, offset : float or None
        Reflectance = value x scale + offset; None takes the scene's metadata.
    drop_water_bands : bool
        Leave out water-vapour bands by wavelength where the scene has no list of bad bands.
    collars : bool
        Leave out pixels that are zero in all bands.
    by_position : bool
        Match the library's bands to the scene's by position.
    mixtures : int
        Synthetic mixtures that the support vector regression learns from.
    iterations : int
        Most passes of the non-negative matrix factorisation.
    seed : int
        Seed of the synthetic mixtures and of the sampled pixels.
    origin : mapping or None
        Algorithm, version and parameters for the output's tags.

    Returns
    -------
    dict
        ``output``; ``endmembers`` (a row per endmember: ``name``, ``mean``, ``deviation``,
        ``present``: share of the pixels above zero); ``mean_rmse``, ``mean_sum``,
        ``valid_pixels``, ``pixels``, ``negative_share`` (pixels with an abundance below zero),
        ``zero_share`` (pixels without any endmember), ``bands_used`` and ``seconds``.

    Raises
    ------
    InputError
        When the library cannot be used or no pixel of the scene counts.
    BandMismatchError
        When the library's bands are not the scene's.
    FileError
        When a file cannot be read or written.
    """
    start = time.monotonic()
    tags = {**Origin.from_dict(origin).tags(), "GOSSAN_METHOD": method.lower()}
    if method.lower() not in METHODS:
        raise InputError(f"{method} is no method here; choose one of {', '.join(METHODS)}.")
    # Blocks run beside each other; threads of BLAS within them would only get in the way.
    with (
        threadpool_limits(1),
        naming(raster, library),
        open_raster(raster, wavelengths=wavelengths, scale=scale, offset=offset) as scene,
    ):
        with naming(library):
            matched = match_library(
                read_library(library),
                scene.info,
                progress,
                drop_water_bands=drop_water_bands,
                by_position=by_position,
            )
        if len(matched.indexes) < len(matched.names):
            progress.warn(
                f"{len(matched.names)} endmembers on {len(matched.indexes)} bands: several "
                "mixtures explain a pixel equally well. Use fewer endmembers or more bands."
            )
        factor = reflectance_factor(scene, matched.indexes, progress)
        plan = plan_blocks(scene.info, len(matched.indexes))
        random = np.random.default_rng(seed)
        # The abundances do not change when scene and endmembers share a unit: dividing the few
        # endmembers spares a pass over all pixels.
        prepared = prepare_method(
            method,
            matched.spectra / factor,
            lambda count: _sample(scene, matched, plan, count, collars, random, progress),
            mixtures=mixtures,
            iterations=iterations,
            seed=seed,
            progress=progress,
        )
        statistics = AbundanceStatistics(matched.names)
        writer = RasterWriter.like(
            output, scene.info, bands=[*matched.names, RESIDUAL_BAND, SUM_BAND], tags=tags
        )
        with writer:
            _unmix(
                scene,
                matched,
                plan,
                prepared,
                writer,
                statistics,
                progress,
                factor=factor,
                normalise=normalise,
                collars=collars,
            )
            require_pixels(statistics.valid, scene.info)
    seconds = time.monotonic() - start
    result = statistics.summary()
    progress.say(
        f"{statistics.valid} of {statistics.pixels} pixels unmixed in {seconds:.1f} s; mean "
        f"residual RMSE {result['mean_rmse']:.4g} (reflectance), mean sum of the abundances "
        f"{result['mean_sum']:.3f}."
    )
    return {
        "output": output,
        **result,
        "bands_used": len(matched.indexes),
        "seconds": round(seconds, 3),
    }


def _unmix(
    scene: Raster,
    matched: MatchedLibrary,
    plan: list[Block],
    prepared: Method,
    writer: RasterWriter,
    statistics: AbundanceStatistics,
    progress: Progress,
    *,
    factor: float,
    normalise: bool,
    collars: bool,
) -> None:
    """Read, unmix and write block by block."""

    def read(block: Block) -> np.ndarray:
        return scene.read(block.outer, matched.indexes)

    def compute(block: Block, values: np.ndarray) -> np.ndarray:
        spectra = pixel_table(values, collars=collars)
        maps = np.empty((len(spectra), len(matched.names) + 2), dtype=np.float32)
        abundances = prepared.estimate(spectra)
        maps[:, -2] = factor * residual_rmse(spectra, abundances, prepared.endmembers)
        sums = abundances.sum(axis=1)
        maps[:, -1] = sums
        if normalise:
            abundances /= np.where(sums > 0, sums, 1.0)[:, np.newaxis]
        maps[:, :-2] = abundances
        return maps.reshape(block.inner.height, block.inner.width, -1)

    def consume(block: Block, maps: np.ndarray) -> None:
        statistics.add(maps.reshape(-1, maps.shape[-1]))
        writer.write(block.inner, maps)

    workers = min(2, os.cpu_count() or 1)
    blocks.run(plan, read, compute, consume, progress, workers=workers)


def _sample(
    scene: Raster,
    matched: MatchedLibrary,
    plan: list[Block],
    count: int,
    collars: bool,
    random: np.random.Generator,
    progress: Progress,
) -> np.ndarray:
    """Return about so many complete spectra from blocks spread over the scene at random."""
    chosen = random.permutation(len(plan))[:_SAMPLED_BLOCKS]
    share = -(-count // len(chosen))
    parts = []
    for index in np.sort(chosen):
        progress.check()
        values = scene.read(plan[index].inner, matched.indexes)
        parts.append(sample_spectra(pixel_table(values, collars=collars), share, random))
    return np.concatenate(parts)
