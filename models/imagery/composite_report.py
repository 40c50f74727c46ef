"""The report of a composite: which scenes took part, which did not and why, what came out."""

from __future__ import annotations

from collections.abc import Sequence

from gossan.core.bands import Band
from gossan.core.grids import Grid
from gossan.core.origin import Origin
from gossan.core.report import Report
from gossan.models.imagery.clear_sky import KINDS
from gossan.models.imagery.composite import CompositeOptions, Tally
from gossan.models.imagery.decisions import Decision


def write_report(
    path: str,
    origin: Origin,
    decisions: Sequence[Decision],
    bands: Sequence[Band],
    grid: Grid,
    options: CompositeOptions,
    tally: Tally,
) -> None:
    """Write the report of a composite as one HTML file.

    Parameters
    ----------
    path : str
    origin : Origin
    decisions : sequence of Decision
        All scenes that were offered.
    bands : sequence of Band
    grid : Grid
    options : CompositeOptions
    tally : Tally
    """
    page = Report.from_origin("Cloud-free composite", origin)
    used = [decision for decision in decisions if not decision.reason]
    dates = sorted(str(each.scene.date) for each in used if each.scene.date)
    period = f" from {dates[0]} to {dates[-1]}" if dates else ""
    how = (
        "The median of the clear looks, band by band."
        if options.method == "median"
        else "The medoid: at each pixel the clear look that is nearest to all others over all "
        "bands, so that no pixel mixes dates."
    )
    page.paragraph(
        f"{how} {len(used)} scenes{period} on {grid.height} x {grid.width} pixels"
        + (f", in {grid.crs.to_string()[:60]}." if grid.crs else ".")
    )
    if tally.seen < tally.pixels:
        page.warning(
            f"{1 - tally.seen / tally.pixels:.1%} of the pixels have no clear look and are empty. "
            "Add scenes, or raise the cloud limit."
        )
    page.table(
        ["scene", "date", "cloud (%)", "mask", "baseline", "offset taken off", "left out because"],
        [
            [
                each.scene.name,
                str(each.scene.date or ""),
                None if each.cloud is None else round(100.0 * each.cloud, 1),
                KINDS[each.mask] if each.mask else "",
                each.scene.baseline,
                each.scene.added or None,
                each.reason,
            ]
            for each in decisions
        ],
        "All scenes that were offered. Cloud as the scene's metadata say, else as its mask shows.",
    )
    page.heading("What came out")
    page.table(
        ["quantity", "value"],
        [
            ["pixels with a clear look (%)", 100.0 * tally.seen / tally.pixels],
            ["clear looks per pixel, mean", tally.looks / tally.pixels],
            ["clear looks per pixel, most", tally.most],
            ["values cut to the range of whole numbers", tally.cut],
        ],
        "A pixel's number of clear looks is that of its band with the fewest.",
    )
    page.table(
        ["band", "wavelength (nm)"],
        [[band.name, band.wavelength] for band in bands],
        f"Stored as {options.number_type}.",
    )
    page.write(path)
