"""Which band of a raster of probabilities belongs to which class of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gossan.core.errors import InputError
from gossan.core.raster import Raster
from gossan.models.lithology.legend import legend_of_raster


def bands_of_classes(
    raster: Raster, probabilities: Raster, classes: Sequence[Mapping[str, Any]]
) -> dict[int, int]:
    """Return the band (from 0) with the probability of each class value.

    Bands are found by the names of the classes, whatever the case: those in the class raster's
    file, then those shown. Where no name fits and there are as many bands as classes, they are
    taken in the order of the values.

    Parameters
    ----------
    raster, probabilities : Raster
        The class raster, and one band for each class.
    classes : sequence of mapping
        ``value`` and ``name`` of each class of the map.

    Raises
    ------
    InputError
        When the bands cannot be those of the classes.
    """
    values = sorted(int(each["value"]) for each in classes)
    own = legend_of_raster(raster).names
    shown = {int(each["value"]): str(each.get("name") or "") for each in classes}
    bands = {_key(band.name): band.index for band in probabilities.info.bands}
    found: dict[int, int] = {}
    for names in (own, shown):
        for value in values:
            index = bands.get(_key(names.get(value, "")))
            if index is not None and index not in found.values():
                found.setdefault(value, index)
    if found:
        return dict(sorted(found.items()))
    if values and len(values) == probabilities.info.count:
        return {value: index for index, value in enumerate(values)}
    raise InputError(
        f"{probabilities.info.path} has {probabilities.info.count} bands, none of which is named "
        f"like one of the {len(values)} classes of {raster.info.path}. Choose the probabilities "
        "that were mapped together with it."
    )


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
