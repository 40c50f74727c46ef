"""Fusion of coarse layers with the detail of a fine image, window by window.

Source: lithological mapping by FCN on multi-source data, Cuonadong dome (Remote Sens. 2021, 13,
4860): the image is split into low and high frequencies; f is the least-squares fit of the coarse
layer on the low-frequency bands; fused = resampled layer + sum of f x high-frequency band.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rasterio.warp import transform as transform_points

from gossan.core.blocks import DATA_BUDGET, Block, plan, run
from gossan.core.progress import Progress
from gossan.core.raster import RasterInfo, RasterWriter, Stack
from gossan.models.lithology.compositions import centred_log_ratio
from gossan.models.lithology.low_pass import box_width, halo_of, low_frequencies

DEFAULT_SCALE = 0.5
"""Standard deviation of the filter, in pixels of the coarse layer."""

LEAST_RATIO = 1.5
"""Layers less coarse than this many pixels of the image have nothing to gain from it."""

MOST_SAMPLES = 100_000
"""Places at which the fit looks at layers and bands."""

_SMALLEST_SIDE, _LARGEST_SIDE = 256, 2048


@dataclass(frozen=True)
class Layer:
    """A coarse layer of a fusion.

    Parameters
    ----------
    name : str
        Of the band in the result.
    index : int
        Its band in the stack, from 0.
    ratio : float
        Pixels of the image along one of the layer's.
    part : int or None
        Its place in the composition, None where it is none.
    scale : float
        Standard deviation of the filter, pixels of the image.
    sharpened : bool
        Whether detail of the image may be added to it.
    """

    name: str
    index: int
    ratio: float
    part: int | None
    scale: float
    sharpened: bool

    @property
    def width(self) -> int:
        """Width of the boxes of the filter, pixels."""
        return box_width(self.scale)


@dataclass(frozen=True, eq=False)
class Fit:
    """How a layer follows from the low frequencies of the image.

    Parameters
    ----------
    factors : ndarray, shape (bands,)
        What the high frequencies are multiplied by; zeros where nothing is added.
    r2, adjusted : float
        Share of the layer's variance that the fit tells, also adjusted for the number of bands.
    correlations : ndarray, shape (bands,)
        Of the layer with each low-frequency band.
    cells : int
        Cells of the layer under the image, which is what counts as samples.
    reason : str
        Why nothing is added; empty where detail is.
    """

    factors: np.ndarray
    r2: float
    adjusted: float
    correlations: np.ndarray
    cells: int
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Fusion:
    """All that is fused.

    Parameters
    ----------
    stack : Stack
        The image first, then all layers.
    bands : tuple of int
        Bands of the image that give the detail.
    layers : tuple of Layer
    replacements : ndarray
        For each part of the composition the least that a value counts as.
    plain : tuple of int
        Bands of the stack that are taken as they are, such as the terrain.
    """

    stack: Stack
    bands: tuple[int, ...]
    layers: tuple[Layer, ...]
    replacements: np.ndarray
    plain: tuple[int, ...]

    @property
    def parts(self) -> list[int]:
        """Places in `layers` of the parts of the composition, in their order."""
        found = [
            (layer.part, place) for place, layer in enumerate(self.layers) if layer.part is not None
        ]
        return [place for _, place in sorted(found)]

    @property
    def halo(self) -> int:
        """Pixels around a window that its result depends on."""
        return max((halo_of(layer.width) for layer in self.layers if layer.sharpened), default=0)

    def plan(self) -> list[Block]:
        """Return windows that keep within the budget, halo and all."""
        info = self.stack.info
        per_pixel = 4.0 * (5 * len(self.bands) + 4 * (len(self.layers) + len(self.plain)) + 24)
        whole = int(math.sqrt(DATA_BUDGET / 4 / per_pixel))
        side = min(max(whole - 2 * self.halo, _SMALLEST_SIDE), _LARGEST_SIDE)
        return plan(info.height, info.width, rows=side, columns=side, halo=self.halo)

    def read(self, block: Block) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the image with halo, and layers and plain bands without one."""
        image = self.stack.read(block.outer, self.bands)
        layers = self.stack.read(block.inner, [layer.index for layer in self.layers])
        plain = self.stack.read(block.inner, self.plain) if self.plain else layers[..., :0]
        return image, self._as_ratios(layers), plain

    def _as_ratios(self, layers: np.ndarray) -> np.ndarray:
        """Return the layers with the parts of the composition as centred log-ratios."""
        if self.parts:
            layers = np.array(layers, dtype=np.float32)
            ratios = centred_log_ratio(layers[..., self.parts], self.replacements)
            layers[..., self.parts] = ratios
        return layers


def resolution_ratio(layer: RasterInfo, image: RasterInfo) -> float:
    """Return how many pixels of the image one of the layer spans along a side, at its middle."""
    if layer.transform is None or image.transform is None:
        return 1.0
    if layer.crs_wkt is None or image.crs_wkt is None:
        return float((layer.pixel_size or 1.0) / (image.pixel_size or 1.0))
    a, b, c, d, e, f = tuple(image.transform)[:6]
    column, row = image.width / 2.0, image.height / 2.0
    x, y = a * column + b * row + c, d * column + e * row + f
    (there_x,), (there_y,) = transform_points(image.crs_wkt, layer.crs_wkt, [x], [y])
    a, b, _, d, e, _ = tuple(layer.transform)[:6]
    xs = [there_x, there_x + a, there_x + b]
    ys = [there_y, there_y + d, there_y + e]
    back_x, back_y = transform_points(layer.crs_wkt, image.crs_wkt, xs, ys)
    across = back_x[1] - back_x[0], back_y[1] - back_y[0]
    down = back_x[2] - back_x[0], back_y[2] - back_y[0]
    area = abs(across[0] * down[1] - across[1] * down[0])
    return float(math.sqrt(area) / (image.pixel_size or 1.0))


def fit_layers(fusion: Fusion, least_fit: float, progress: Progress) -> list[Fit]:
    """Fit every layer on the low-frequency bands of the image.

    Parameters
    ----------
    fusion : Fusion
    least_fit : float
        Adjusted share of the variance below which a layer is resampled only, 0 to 1.
    progress : Progress
    """
    info = fusion.stack.info
    places = [place for place, layer in enumerate(fusion.layers) if layer.sharpened]
    if not places:
        return [_unfitted(fusion, layer) for layer in fusion.layers]
    finest = min(fusion.layers[place].ratio for place in places)
    step = max(int(finest / 2), math.ceil(math.sqrt(info.height * info.width / MOST_SAMPLES)), 1)
    lows: dict[int, list[np.ndarray]] = {fusion.layers[p].width: [] for p in places}
    seen: list[np.ndarray] = []

    def compute(
        block: Block, data: tuple[np.ndarray, np.ndarray, np.ndarray]
    ) -> tuple[dict[int, np.ndarray], np.ndarray]:
        lattice = _lattice(block, step)
        filtered = {
            width: low_frequencies(data[0], width)[block.inner_slices][lattice].reshape(
                -1, len(fusion.bands)
            )
            for width in lows
        }
        return filtered, data[1][lattice].reshape(-1, len(fusion.layers))

    def consume(_: Block, found: tuple[dict[int, np.ndarray], np.ndarray]) -> None:
        for width, values in found[0].items():
            lows[width].append(values)
        seen.append(found[1])

    run(fusion.plan(), fusion.read, compute, consume, progress)
    bands = {width: np.concatenate(values) for width, values in lows.items()}
    values = np.concatenate(seen)
    fits = []
    for place, layer in enumerate(fusion.layers):
        if not layer.sharpened:
            fits.append(_unfitted(fusion, layer))
            continue
        cells = max(int(np.isfinite(values[:, place]).sum() * (step / layer.ratio) ** 2), 1)
        fits.append(_fit(bands[layer.width], values[:, place], cells, least_fit))
    return fits


def write_fused(
    fusion: Fusion,
    fits: Sequence[Fit],
    writer: RasterWriter,
    kept: Sequence[int],
    progress: Progress,
) -> tuple[np.ndarray, int]:
    """Write the fused layers, the plain bands and the kept bands of the image.

    Returns
    -------
    spread : ndarray, shape (layers,)
        Standard deviation of the detail that was added to each layer.
    missing : int
        Pixels in which a layer or a plain band is missing.
    """
    squares = np.zeros(len(fusion.layers))
    counts = np.zeros(len(fusion.layers))
    missing = [0]

    def compute(block: Block, data: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
        image, layers, plain = data
        own = image[block.inner_slices]
        high = {
            width: own - low_frequencies(image, width)[block.inner_slices]
            for width in {layer.width for layer, fit in zip(fusion.layers, fits) if not fit.reason}
        }
        fused = np.array(layers, dtype=np.float32)
        for place, (layer, fit) in enumerate(zip(fusion.layers, fits)):
            if not fit.reason:
                detail = high[layer.width] @ fit.factors.astype(np.float32)
                # Under clouds and beyond the image's edge the resampled layer is what there is.
                detail = np.where(np.isfinite(detail), detail, 0.0)
                fused[..., place] += detail
                squares[place] += float((detail.astype(np.float64) ** 2).sum())
                counts[place] += detail.size
        if fusion.parts:
            part = fused[..., fusion.parts]
            fused[..., fusion.parts] = part - part.mean(axis=-1, keepdims=True)
        return np.concatenate([fused, plain, own[..., list(kept)]], axis=-1)

    def consume(block: Block, values: np.ndarray) -> None:
        known = len(fusion.layers) + len(fusion.plain)
        missing[0] += int(np.count_nonzero(~np.isfinite(values[..., :known]).all(axis=-1)))
        writer.write(block.inner, values)

    run(fusion.plan(), fusion.read, compute, consume, progress)
    return np.sqrt(squares / np.maximum(counts, 1)), missing[0]


def _lattice(block: Block, step: int) -> tuple[slice, slice]:
    """Return the rows and columns of a window on the image's lattice of places to look at."""
    inner = block.inner
    offset = step // 2
    return (
        slice((offset - inner.row) % step, None, step),
        slice((offset - inner.column) % step, None, step),
    )


def _fit(bands: np.ndarray, values: np.ndarray, cells: int, least_fit: float) -> Fit:
    count = bands.shape[1]
    known = np.isfinite(values) & np.isfinite(bands).all(axis=1)
    nothing = np.zeros(count)
    x, y = bands[known].astype(np.float64), values[known].astype(np.float64)
    if len(y) < 3 or not np.ptp(y) > 0:
        reason = "it does not vary under the image"
        return Fit(nothing, math.nan, math.nan, np.full(count, math.nan), cells, reason)
    centre, spread = x.mean(axis=0), x.std(axis=0)
    scaled = (x - centre) / np.where(spread > 0, spread, 1.0)
    target = y - y.mean()
    solved, *_ = np.linalg.lstsq(scaled, target, rcond=1e-6)
    residual = target - scaled @ solved
    r2 = 1.0 - float(residual @ residual) / float(target @ target)
    correlations = (scaled * target[:, None]).mean(axis=0) / target.std()
    free = cells - count - 1
    adjusted = 1.0 - (1.0 - r2) * (cells - 1) / free if free > 0 else math.nan
    reason = ""
    if free <= 0:
        reason = f"its {cells} cells under the image are too few for {count} bands"
    elif adjusted < least_fit:
        reason = f"it hardly relates to the image (adjusted R2 {adjusted:.2f})"
    factors = (
        nothing if reason else np.where(spread > 0, solved / np.where(spread > 0, spread, 1), 0)
    )
    return Fit(factors, r2, adjusted, correlations, cells, reason)


def _unfitted(fusion: Fusion, layer: Layer) -> Fit:
    nothing = np.zeros(len(fusion.bands))
    return Fit(
        nothing,
        math.nan,
        math.nan,
        np.full(len(fusion.bands), math.nan),
        0,
        f"it is no coarser than the image ({layer.ratio:.2g} pixels)",
    )


def layer_names(names: Sequence[str], composed: Sequence[bool]) -> Iterator[str]:
    """Yield the name of each layer in the result."""
    for name, part in zip(names, composed):
        yield f"clr {name}" if part and not name.startswith("clr ") else name
