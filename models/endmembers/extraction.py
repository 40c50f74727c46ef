"""Endmember extraction: candidates by several methods, selected with the help of priors.

Reference for PCCEE, the workflow of PPI, VCA and priors together: Physically-Constrained
Collaborative Endmember Extraction, GF-5, Lengshuijiang antimony mine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, spectral_angle
from gossan.models.endmembers import options as names
from gossan.models.endmembers.atgp import generate_targets
from gossan.models.endmembers.candidates import (
    Candidate,
    Rejected,
    accept_in_order,
    candidate_at,
    joined,
)
from gossan.models.endmembers.nfindr import largest_simplex
from gossan.models.endmembers.options import ExtractionOptions
from gossan.models.endmembers.ppi import PixelPurity
from gossan.models.endmembers.priors import PriorMatches, on_sensor
from gossan.models.endmembers.scene import ArrayScene, Scene
from gossan.models.endmembers.selection import (
    TOP_K,
    Chosen,
    PriorClasses,
    group_priors,
    purest,
    purest_per_class,
    top_k,
    with_class,
)
from gossan.models.endmembers.spaces import Survey, survey
from gossan.models.endmembers.vca import (
    projective_cloud,
    snr_of_scene,
    snr_threshold,
    vertex_components,
    vertex_components_by_projection,
)

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Extraction:
    """The endmembers of a scene and how they were found.

    Parameters
    ----------
    names : tuple of str
        Name of each endmember, without doubles.
    classes : tuple of str
        Class of the prior each is chosen for, or nearest to; empty without priors.
    sources : tuple of str
        Methods that proposed it, joined by ``+``.
    spectra : ndarray, shape (endmembers, bands)
        Reflectance.
    wavelengths : ndarray, shape (bands,), or None
        Nanometres.
    rows, columns : ndarray, shape (endmembers,), int64
        Source pixels, from 0.
    purity : ndarray, shape (endmembers,)
        0 to 1; see `PixelPurity.purity`.
    hits : ndarray, shape (endmembers,), int64
        How often the pixel was outermost along a skewer.
    angles : ndarray, shape (endmembers,)
        Spectral angle in radians to the class, NaN without priors.
    rejected : tuple of Rejected
        Candidates that were not chosen, and why.
    pixels : int
        Valid pixels of the scene.
    components : int
        Principal components in use; 0 where the bands themselves were.
    explained : float
        Share of the variance in them, 0 to 1.
    prior_classes : tuple of (str, float)
        Each prior class with the least angle of any pixel to it.
    seconds : dict
        Time of each step.
    notes : tuple of str
        Sentences about what was found or assumed.
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    spectra: FloatArray
    wavelengths: FloatArray | None
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    purity: FloatArray
    hits: npt.NDArray[np.int64]
    angles: FloatArray
    rejected: tuple[Rejected, ...] = ()
    pixels: int = 0
    components: int = 0
    explained: float = 1.0
    prior_classes: tuple[tuple[str, float], ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    def library(self) -> SpectralLibrary:
        """Return the endmembers as a spectral library.

        Raises
        ------
        InputError
            When the wavelengths are unknown.
        """
        if self.wavelengths is None:
            raise InputError(
                "The wavelengths of the image are unknown, so its endmembers make no spectral "
                "library. Name a CSV with one wavelength per band."
            )
        return SpectralLibrary(
            names=self.names,
            spectra=self.spectra,
            wavelengths=self.wavelengths,
            classes=self.classes,
            sources=tuple(
                f"{source}, row {row}, column {column}"
                for source, row, column in zip(self.sources, self.rows, self.columns)
            ),
        )


def extract(
    spectra: npt.NDArray[np.floating[Any]],
    wavelengths: npt.ArrayLike | None = None,
    options: ExtractionOptions | None = None,
    *,
    priors: SpectralLibrary | None = None,
    mask: npt.ArrayLike | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Find the endmembers of an image in memory.

    Parameters
    ----------
    spectra : ndarray, shape (rows, columns, bands) or (pixels, bands)
        Reflectance, NaN where there is none. Without rows and columns a pixel has no neighbours,
        so none is rejected for standing alone.
    wavelengths : array_like, shape (bands,), optional
        Nanometres; needed for priors.
    options : ExtractionOptions, optional
        Workflow and its parameters.
    priors : SpectralLibrary, optional
        Prior spectra on any wavelengths; needed for workflows with priors.
    mask : array_like, shape (rows, columns) or (pixels,), optional
        Pixels other than 0 are used.
    progress : Progress, optional
        Where to report to.

    Returns
    -------
    Extraction
        Rows are pixel numbers and columns 0 for (pixels, bands).

    Raises
    ------
    InputError
        When there are too few pixels or bands, they are all alike, or priors are missing.
    """
    options = options or ExtractionOptions()
    if spectra.ndim == 2:
        spectra = spectra[:, None, :]
        mask = None if mask is None else np.asarray(mask).reshape(-1, 1)
        options = replace(options, neighbour_angle=0.0)
    scene = ArrayScene(spectra, wavelengths, mask=mask)
    return extract_scene(scene, options, priors=priors, progress=progress or Progress())


def extract_scene(
    scene: Scene,
    options: ExtractionOptions,
    *,
    priors: SpectralLibrary | None,
    progress: Progress,
) -> Extraction:
    """Find the endmembers of a scene that may be larger than memory.

    Parameters and result as in `extract`. In the space of components the scene is gone through
    twice, whatever the workflow.
    """
    clock = _Clock()
    notes: list[str] = []
    sensor_priors = _prepared(priors, scene, options, notes)
    seen = survey(scene, options, sensor_priors, clock.step, progress.part(0.0, 0.7))
    progress.say(
        f"{seen.statistics.pixels} valid pixels, {scene.bands} bands"
        + (f", {seen.dimensions} components" if options.space == names.COMPONENTS else "")
        + "."
    )
    # Many small products: threads inside each would wait for one another more than they work.
    with threadpool_limits(1, user_api="blas"):
        with clock.step("purity index"):
            purity = seen.purity_index(progress.part(0.7, 0.85))
        candidates, rejected = _propose(
            scene, seen, purity, options, clock, progress.part(0.85, 0.97)
        )
    classes = _prior_classes(sensor_priors, seen.matches)
    with clock.step("selection"):
        if names.PRIOR in options.methods and seen.matches is not None:
            candidates += [
                candidate_at(scene, position, names.PRIOR)
                for position in dict.fromkeys(seen.matches.positions.tolist())
            ]
        measured = [
            _measured(candidate, seen, purity, sensor_priors) for candidate in joined(candidates)
        ]
        rejected = [
            Rejected(_measured(entry.candidate, seen, purity, sensor_priors), entry.reason)
            for entry in rejected
        ]
        chosen, left = _select(measured, classes, options)
    chosen_positions = {entry.candidate.position for entry in chosen}
    rejected = [
        entry for entry in [*rejected, *left] if entry.candidate.position not in chosen_positions
    ]
    if not chosen:
        raise InputError(_nothing_left(classes, options))
    notes += _remarks(chosen, classes, options)
    progress.fraction(1.0)
    return Extraction(
        names=_names(chosen),
        classes=tuple(entry.group for entry in chosen),
        sources=tuple(entry.candidate.source for entry in chosen),
        spectra=np.array([entry.candidate.spectrum for entry in chosen]),
        wavelengths=scene.wavelengths,
        rows=np.array([entry.candidate.row for entry in chosen], dtype=np.int64),
        columns=np.array([entry.candidate.column for entry in chosen], dtype=np.int64),
        purity=np.array([entry.candidate.purity for entry in chosen]),
        hits=np.array([entry.candidate.hits for entry in chosen], dtype=np.int64),
        angles=np.array([entry.angle for entry in chosen]),
        rejected=tuple(rejected),
        pixels=seen.statistics.pixels,
        components=seen.dimensions if options.space == names.COMPONENTS else 0,
        explained=seen.components.explained,
        prior_classes=(
            ()
            if classes is None
            else tuple(zip(classes.names, (float(angle) for angle in classes.best)))
        ),
        seconds=clock.seconds,
        notes=tuple(notes),
    )


def _prepared(
    priors: SpectralLibrary | None, scene: Scene, options: ExtractionOptions, notes: list[str]
) -> SpectralLibrary | None:
    """Return the priors on the scene's bands, None where they only would have named classes."""
    needed = names.PRIOR in options.methods
    if priors is None and needed:
        raise InputError(f"The workflow {options.workflow} needs a prior library; name one.")
    if scene.wavelengths is None and needed:
        raise InputError(
            "The wavelengths of the image are unknown, so prior spectra cannot be compared with "
            "it. Name a CSV with one wavelength per band, or choose a workflow without priors."
        )
    if priors is None or scene.wavelengths is None:
        return None
    try:
        resampled = on_sensor(priors, scene.wavelengths)
    except InputError as problem:
        if needed:
            raise
        notes.append(f"Endmembers have no class: {problem}")
        return None
    if len(resampled) < len(priors):
        notes.append(
            f"{len(priors) - len(resampled)} of {len(priors)} prior spectra do not cover the "
            "bands of the image and were left out."
        )
    return resampled


def _propose(
    scene: Scene,
    seen: Survey,
    purity: PixelPurity,
    options: ExtractionOptions,
    clock: _Clock,
    progress: Progress,
) -> tuple[list[Candidate], list[Rejected]]:
    """Return what the methods of the workflow propose, and what they reject themselves."""
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for turn, (method, number) in enumerate(options.proposals.items()):
        step = progress.part(turn / len(options.proposals), (turn + 1) / len(options.proposals))
        with clock.step(method):
            if method == names.PPI:
                accepted, without = accept_in_order(
                    (candidate_at(scene, seen.positions[pixel], method) for pixel in purity.pixels),
                    number,
                    distinct_angle=options.distinct_angle,
                    neighbours=(scene, options.neighbour_angle)
                    if options.neighbour_angle
                    else None,
                )
                candidates += accepted
                rejected += without
            else:
                pixels = _pixels_of(method, number, seen, options, step)
                candidates += [
                    candidate_at(scene, seen.positions[pixel], method) for pixel in pixels
                ]
        step.fraction(1.0)
    return candidates, rejected


def _pixels_of(
    method: str, number: int, seen: Survey, options: ExtractionOptions, progress: Progress
) -> list[int]:
    """Return the pixel numbers that VCA, N-FINDR or ATGP propose."""
    if method == names.NFINDR:
        return largest_simplex(seen.scores(number - 1), number, progress)
    if method == names.ATGP:
        return generate_targets(seen.uncentred(), number, progress)
    if options.vca_projection == names.BY_SNR:
        statistics = seen.statistics
        ratio = snr_of_scene(statistics.correlation, statistics.covariance, statistics.mean, number)
        if ratio > snr_threshold(number):
            cloud = projective_cloud(seen.through_origin(number))
            return vertex_components_by_projection(cloud, number, options.seed, progress)
        return vertex_components(seen.centred(number - 1), number, options.seed, progress)
    return vertex_components(seen.centred_for(number), number, options.seed, progress)


def _measured(
    candidate: Candidate, seen: Survey, purity: PixelPurity, priors: SpectralLibrary | None
) -> Candidate:
    """Return the candidate with its purity and its angles to the priors."""
    angles = (
        np.zeros(0)
        if priors is None
        else spectral_angle(candidate.spectrum[None], priors.spectra)[0]
    )
    return replace(
        candidate,
        purity=float(purity.purity(seen.purity_point(candidate.spectrum)[None])[0]),
        hits=purity.hits_of(seen.number_of(candidate.position)),
        angles=np.where(np.isfinite(angles), angles, np.pi),
    )


def _prior_classes(
    priors: SpectralLibrary | None, matches: PriorMatches | None
) -> PriorClasses | None:
    if priors is None or matches is None:
        return None
    return group_priors(priors.classes, matches.angles, matches.positions)


def _select(
    candidates: list[Candidate], classes: PriorClasses | None, options: ExtractionOptions
) -> tuple[list[Chosen], list[Rejected]]:
    """Return the endmembers and the candidates that were not chosen."""
    if names.PRIOR in options.methods and classes is not None:
        if options.selection == TOP_K:
            return top_k(candidates, classes, number=options.endmembers)
        return purest_per_class(
            candidates,
            classes,
            number=options.endmembers,
            class_angle=options.class_angle,
            distinct_angle=options.distinct_angle,
            absent_angle=options.absent_angle,
        )
    if len(options.methods) == 1 and options.methods[0] in (names.NFINDR, names.ATGP):
        # Both were asked for as many as are wanted, each defined by the others: keep all.
        return [with_class(candidate, classes) for candidate in candidates], []
    return purest(
        candidates, classes, number=options.endmembers, distinct_angle=options.distinct_angle
    )


def _names(chosen: list[Chosen]) -> tuple[str, ...]:
    """Return a name for each endmember: its class, numbered where that comes more than once."""
    stems = [entry.group or entry.candidate.source for entry in chosen]
    seen: dict[str, int] = {}
    result = []
    for stem in stems:
        seen[stem] = seen.get(stem, 0) + 1
        result.append(f"{stem} {seen[stem]}" if stems.count(stem) > 1 else stem)
    return tuple(result)


def _remarks(
    chosen: list[Chosen], classes: PriorClasses | None, options: ExtractionOptions
) -> list[str]:
    remarks = []
    if options.endmembers > len(chosen):
        remarks.append(
            f"{len(chosen)} endmembers instead of {options.endmembers}: the other candidates are "
            "too like these, stand alone, or belong to classes that seem absent."
        )
    if classes is not None and names.PRIOR in options.methods and options.selection != TOP_K:
        absent = [
            f"{name} ({angle:.2f} rad)"
            for name, angle in zip(classes.names, classes.best)
            if angle > options.absent_angle
        ]
        if absent:
            remarks.append(
                "No endmember for prior classes that no pixel comes near: " + ", ".join(absent)
            )
    return remarks


def _nothing_left(classes: PriorClasses | None, options: ExtractionOptions) -> str:
    if classes is not None and (classes.best > options.absent_angle).all():
        return (
            f"No pixel comes within {options.absent_angle:g} rad of any prior class (the nearest "
            f"is {classes.best.min():.3f} rad away). Check that the image is reflectance and that "
            "the priors fit it, or raise the angle beyond which a class counts as absent."
        )
    return (
        "Every candidate was rejected for standing alone: no pixel is like one of its neighbours "
        f"within {options.neighbour_angle:g} rad. Raise this angle, or set it to 0 to keep them."
    )


class _Clock:
    """Seconds of each step; a step that comes again adds up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        took = time.perf_counter() - start
        self.seconds[name] = round(self.seconds.get(name, 0.0) + took, 3)
