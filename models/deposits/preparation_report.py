"""The layer and the report of prepared chips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rasterio.crs import CRS

from gossan.core.bands import Band
from gossan.core.charts import map_picture
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.core.vectors import write_features
from gossan.models.deposits.chip_files import TRAINING, VALIDATION, Chip, read_chip
from gossan.models.deposits.chip_journal import ChipJournal
from gossan.models.deposits.chip_making import METHODS, ChipOptions
from gossan.models.deposits.map_shapes import map_shape

_PICTURES = 6


def write_layer(path: str, chips: Sequence[Chip], origin: Origin) -> None:
    """Write the footprints of chips with all that is known of each as GeoJSON."""
    first = chips[0].fields()
    fields: dict[str, type] = {
        name: float if name == "cloud_share" else type(value) for name, value in first.items()
    }
    write_features(
        path,
        [chip.fields() for chip in chips],
        (map_shape([np.array(chip.footprint)]) for chip in chips),
        fields=fields,
        crs_wkt=CRS.from_epsg(4326).to_wkt(),
        name="chips",
        tags=origin.tags(),
    )


def write_report(
    path: str,
    origin: Origin,
    chips: Sequence[Chip],
    journal: ChipJournal,
    options: ChipOptions,
    bands: Sequence[Band],
    summary: Mapping[str, int],
    scaling: str,
) -> None:
    """Write how scenes became chips, how they were split, and show some of them."""
    page = Report.from_origin("Chips of scenes", origin)
    how = (
        f"cut into squares of {options.size} pixels"
        if options.method == METHODS[0]
        else f"padded to a square and brought down to {options.size} pixels by "
        f"{options.downsampling}"
    )
    page.paragraph(
        f"The scenes were freed of their collars and {how}. Values are 0 to 1, scaled by "
        f"{scaling}. A location is either in the training or in the validation part, never in both."
    )
    rows = []
    for part in (TRAINING, VALIDATION):
        own = [chip for chip in chips if chip.part == part]
        rows.append(
            [
                part,
                len({chip.location for chip in own}),
                len({chip.scene for chip in own}),
                len(own),
                sum(chip.presence for chip in own),
                sum(chip.presence_set for chip in own),
                max((chip.count for chip in own), default=0),
            ]
        )
    page.table(
        [
            "part",
            "locations",
            "scenes",
            "chips",
            "with deposits",
            "in the balanced set",
            "most deposits",
        ],
        rows,
        "The balanced set has as many chips with deposits as without, on both sides, and serves to "
        "learn presence. Richness is learnt from all chips, as they are distributed.",
    )
    if summary["overlapping"]:
        page.warning(
            f"{summary['overlapping']} training chips show ground that validation chips show too, "
            "where neighbouring scenes overlap; they were left out, unless you chose to keep them."
        )
    if summary["left_out"]:
        page.warning(f"{summary['left_out']} scenes were left out; the log says why.")
    unknown = sum(chip.cloud_share is None for chip in chips)
    page.paragraph(
        f"{unknown} of {len(chips)} chips have no quality band: the clouds of their locations are "
        "ordered by mean brightness, which takes snow and bare ground for cloud."
        if unknown
        else "Clouds were counted by the quality bands."
    )
    page.heading("Some of the chips")
    shown = [chips[i] for i in np.linspace(0, len(chips) - 1, _PICTURES).astype(int)]
    for chip in {chip.file: chip for chip in shown}.values():
        values = read_chip(journal.folder / chip.file, options.size, len(bands))
        page.figure(
            map_picture(values[..., 0], cmap="gray", label=bands[0].name),
            f"{chip.file}: {chip.count} deposits, {chip.part}.",
        )
    page.write(path)
