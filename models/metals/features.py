"""Which bands of rasters are features of an inversion, and which feature a band is."""

from __future__ import annotations

from gossan.core.bands import match
from gossan.core.errors import InputError
from gossan.core.raster import RasterInfo
from gossan.models.metals.model_file import InversionModel

QUALITY_BANDS = ("residual RMSE", "sum")
"""The bands by which an abundance raster tells how good it is."""


def feature_bands(info: RasterInfo, *, quality: bool = False) -> list[int]:
    """Return the bands that are features, from 0.

    Parameters
    ----------
    info : RasterInfo
    quality : bool
        Also take the residual and the sum of abundance rasters, which tell about the unmixing and
        not about the ground.

    Raises
    ------
    InputError
        When no band is left.
    """
    chosen = [band.index for band in info.bands if quality or not _tells_quality(band.name)]
    if not chosen:
        raise InputError(
            f"{info.path} has only {', '.join(band.name for band in info.bands)}, which tell about "
            "an unmixing and are no features; add a raster, or use these bands too."
        )
    return chosen


def match_features(
    model: InversionModel, info: RasterInfo, *, by_position: bool = False
) -> list[int]:
    """Return which band of a raster each feature of the model is; see `gossan.core.bands.match`.

    Where position counts and there are more bands than features, the residual and the sum of
    abundance rasters are passed over.
    """
    if by_position and len(info.bands) != len(model.bands):
        chosen = feature_bands(info)
        own = [info.bands[index] for index in chosen]
        return [chosen[place] for place in match(model.bands, own, by_position=True)]
    return match(model.bands, info.bands, by_position=by_position)


def _tells_quality(name: str) -> bool:
    # Bands of one name get their file's name in front; gypsum is a mineral.
    return any(name == known or name.endswith(f" {known}") for known in QUALITY_BANDS)
