"""A scene surveyed: its statistics, components and scores, and the point clouds made of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary
from gossan.models.endmembers.cloud import Cloud, MemoryCloud, SceneCloud
from gossan.models.endmembers.components import (
    Components,
    Projection,
    SceneStatistics,
    components_for_share,
    principal_components,
    scene_statistics,
)
from gossan.models.endmembers.options import ATGP, BANDS, BY_SNR, NFINDR, VCA, ExtractionOptions
from gossan.models.endmembers.ppi import PixelPurity, pixel_purity, random_skewers
from gossan.models.endmembers.priors import PriorMatches, PriorSearch
from gossan.models.endmembers.scene import Scene, Task

FloatArray = npt.NDArray[np.float64]

MEMORY_FOR_BANDS = 256 * 2**20
"""Scenes whose spectra take no more bytes are kept in memory when bands are searched."""


@dataclass(eq=False)
class Survey:
    """What two passes over a scene leave in memory.

    Parameters
    ----------
    scene : Scene
        The pixels.
    options : ExtractionOptions
        What was asked for.
    statistics : SceneStatistics
        Mean and covariance.
    components : Components
        Every component that a method needs, the methods taking the first few.
    coordinates : ndarray, shape (pixels, components and more)
        Scores, then the coordinates that only some methods need.
    positions : ndarray, shape (pixels,), int64
        Row x image width + column.
    matches : PriorMatches, optional
        The pixels nearest to the priors.
    whole : ndarray, shape (pixels, bands), optional
        Spectra with the mean removed, when bands are searched and they fit into memory.
    """

    scene: Scene
    options: ExtractionOptions
    statistics: SceneStatistics
    components: Components
    coordinates: npt.NDArray[np.float32]
    positions: npt.NDArray[np.int64]
    matches: PriorMatches | None
    whole: npt.NDArray[np.float32] | None

    @property
    def dimensions(self) -> int:
        """Dimensions in which PPI counts."""
        if self.options.space == BANDS:
            return self.scene.bands
        return dimensions_for(self.options, self.statistics, self.options.ppi_endmembers)

    def centred_for(self, endmembers: int) -> Cloud:
        """Return the pixels, mean removed, in the dimensions that so many endmembers need."""
        if self.options.space == BANDS:
            return self._in_bands(self.statistics.mean, centred=True)
        return self.centred(dimensions_for(self.options, self.statistics, endmembers))

    def centred(self, dimensions: int) -> MemoryCloud:
        """Return the pixels' scores along the first components."""
        return MemoryCloud(self.scores(dimensions))

    def scores(self, dimensions: int) -> npt.NDArray[np.float32]:
        """Return the scores (pixels, dimensions) along the first components."""
        kept = len(self.components.variances)
        return self.coordinates[:, : min(max(dimensions, 1), kept)]

    def uncentred(self) -> Cloud:
        """Return the pixels with their mean, in bands or in the components and the mean's rest."""
        if self.options.space == BANDS:
            return self._in_bands(np.zeros(self.scene.bands), centred=False)
        kept = len(self.components.variances)
        from_mean = self.components.mean @ self.components.vectors
        along = self.coordinates[:, kept : kept + 1]
        return MemoryCloud(
            np.hstack([self.coordinates[:, :kept] + from_mean.astype(np.float32), along])
        )

    def through_origin(self, endmembers: int) -> npt.NDArray[np.float32]:
        """Return coordinates along the correlation matrix's eigenvectors.

        They are of shape (pixels, endmembers), with fewer columns where there are fewer bands.
        """
        return self.coordinates[:, -min(endmembers, self.scene.bands) :]

    def purity_index(self, progress: Progress) -> PixelPurity:
        """Count how often each pixel is outermost along the skewers."""
        skewers = random_skewers(self.options.skewers, self.dimensions, self.options.seed)
        return pixel_purity(self.centred_for(self.options.ppi_endmembers), skewers, progress)

    def purity_point(self, spectrum: FloatArray) -> FloatArray:
        """Return a spectrum (bands,) in the coordinates in which PPI counts."""
        centred = spectrum - self.statistics.mean
        if self.options.space == BANDS:
            return centred
        return np.asarray(centred @ self.components.vectors[:, : self.dimensions])

    def number_of(self, position: int) -> int:
        """Return the number of the valid pixel at a position."""
        return int(np.flatnonzero(self.positions == position)[0])

    def _in_bands(self, origin: FloatArray, *, centred: bool) -> Cloud:
        if self.whole is None:
            return SceneCloud(self.scene, origin, self.statistics.pixels)
        if centred:
            return MemoryCloud(self.whole)
        return MemoryCloud(self.whole + self.statistics.mean.astype(np.float32))


def survey(
    scene: Scene,
    options: ExtractionOptions,
    priors: SpectralLibrary | None,
    step: Callable[[str], AbstractContextManager[None]],
    progress: Progress,
) -> Survey:
    """Go through a scene twice: for its statistics, then for its scores and prior matches.

    Raises
    ------
    InputError
        When there are too few pixels or bands, or all pixels are alike.
    """
    if scene.bands < 2:
        raise InputError(
            f"The image has {scene.bands} usable band(s); spectra need at least 2. Check the "
            "bad-band list and the wavelengths."
        )
    with step("statistics"):
        statistics = scene_statistics(scene, progress.part(0.0, 0.5))
    _check(statistics, options)
    components = principal_components(statistics, _most_dimensions(options, statistics))
    directions, origin = [components.vectors], [components.mean @ components.vectors]
    if ATGP in options.methods:
        inside = components.vectors @ (components.vectors.T @ statistics.mean)
        rest = (statistics.mean - inside)[:, None]
        directions.append(rest / max(float(np.linalg.norm(rest)), 1e-30))
        origin.append(np.zeros(1))
    if VCA in options.methods and options.vca_projection == BY_SNR:
        number = options.proposals[VCA]
        directions.append(linalg.eigh(statistics.correlation)[1][:, ::-1][:, :number])
        origin.append(np.zeros(directions[-1].shape[1]))
    projection = Projection(np.hstack(directions), np.concatenate(origin), statistics.pixels)
    tasks: list[Task] = [projection]
    search = None if priors is None else PriorSearch(priors.spectra)
    if search is not None:
        tasks.append(search)
    whole = None
    if options.space == BANDS and 4 * statistics.pixels * scene.bands <= MEMORY_FOR_BANDS:
        whole = Projection(np.eye(scene.bands), statistics.mean, statistics.pixels)
        tasks.append(whole)
    with step("components and priors"):
        scene.scan(tasks, progress.part(0.5, 1.0))
    return Survey(
        scene,
        options,
        statistics,
        components,
        projection.coordinates,
        projection.positions,
        None if search is None else search.matches(),
        None if whole is None else whole.coordinates,
    )


def dimensions_for(options: ExtractionOptions, statistics: SceneStatistics, endmembers: int) -> int:
    """Return the components in use: those asked for, or by the rule for so many endmembers."""
    wanted = options.components or max(components_for_share(statistics), endmembers - 1)
    return max(1, min(wanted, len(statistics.mean)))


def _most_dimensions(options: ExtractionOptions, statistics: SceneStatistics) -> int:
    needs = [dimensions_for(options, statistics, options.ppi_endmembers)]
    for method, number in options.proposals.items():
        needs.append(dimensions_for(options, statistics, number))
        if method in (NFINDR, VCA, ATGP):
            needs.append(number - 1)
    return max(needs)


def _check(statistics: SceneStatistics, options: ExtractionOptions) -> None:
    needed = max([*options.proposals.values(), 2])
    if statistics.pixels < needed:
        raise InputError(
            f"The image has {statistics.pixels} valid pixel(s), fewer than the {needed} endmembers "
            "to look for. Check the mask and the nodata values, or ask for fewer."
        )
    power = float(statistics.mean @ statistics.mean) + float(np.trace(statistics.covariance))
    if float(np.trace(statistics.covariance)) <= 1e-10 * power:
        raise InputError(
            "All valid pixels of the image have the same spectrum, so there is nothing to tell "
            "endmembers apart by. Check that the right bands and pixels are in use."
        )
