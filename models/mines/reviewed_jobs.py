"""Job: chips of reviewed findings, for the next training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from gossan.core.errors import InputError
from gossan.core.folders import write_folder_then_rename
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.models.mines.chips import CONTENTS, ChipWriter
from gossan.models.mines.extraction import EXACT, IMPACT, SIZES, Counts
from gossan.models.mines.extraction_jobs import open_chip_image, tell, write_places
from gossan.models.mines.images import ImageOptions
from gossan.models.mines.masks import read_features
from gossan.models.mines.reviewed import cut_findings, read_findings

KINDS = (EXACT, IMPACT)


@job_files(
    reads=("images", "findings", "wavelengths"),
    writes=("places",),
    folders={"output": CONTENTS},
)
def collect_reviewed(
    progress: Progress,
    *,
    images: Sequence[str],
    findings: Sequence[str],
    output: str,
    decision_field: str = "decision",
    kind: str = EXACT,
    missing_share: float = 5.0,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    places: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Cut chips of confirmed and rejected findings.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    images : sequence of str
        The images that were searched.
    findings : sequence of str
        For each image a GeoJSON of all findings in that image's CRS.
    output : str
        Folder to write.
    decision_field : str
        Field with ``mine``, ``dam``, ``false``, ``unsure`` or nothing.
    kind : str
        One of `KINDS`: chips for the detector or for the impact classifier.
    missing_share : float
        Greatest share of missing pixels in a chip, per cent.
    wavelengths : str
        CSV with band wavelengths; those of the images when empty.
    scale, offset : float or None
        Reflectance = stored number x scale + offset, instead of what the images say.
    places : str
        Points of the chips to write (.geojson); not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``chips``, ``confirmed`` and ``rejected`` (findings), ``unsure`` (and not reviewed),
        ``classes`` (number of chips), ``places_crs`` and the paths ``output``, ``places``.
    """
    if kind not in KINDS:
        raise InputError(f"Unknown kind of chips {kind!r}; use one of {', '.join(KINDS)}.")
    if not images or len(findings) != len(images):
        raise InputError("Give the images that were searched, and their findings.")
    options = ImageOptions(wavelengths, scale, offset)
    made_by = Origin.from_dict(origin)
    counts, seen = Counts(), set[str]()
    read = [read_findings(read_features(path), decision_field, path) for path in findings]
    decided = Counter(each.decision for each in read[0])
    if not any(decided[each] for each in ("mine", "dam", "false")):
        raise InputError(
            f"{findings[0]}: no finding was confirmed or rejected yet, so there is nothing to "
            "learn from. Review some first."
        )
    with write_folder_then_rename(output, replaces=CONTENTS) as folder:
        writer = ChipWriter(folder, made_by)
        for number, path in enumerate(images):
            part = progress.part(number / len(images), (number + 1) / len(images))
            with ExitStack() as opened:
                image = open_chip_image(path, options, part, opened)
                # A finding on several images is taken from the first of them.
                fresh = [each for each in read[number] if each.number not in seen]
                seen |= cut_findings(
                    image,
                    fresh,
                    SIZES[kind],
                    writer,
                    counts,
                    part,
                    largest_missing=missing_share / 100.0,
                )
        lost = len({each.number for each in read[0]} - seen)
        if lost:
            counts.dropped["findings that lie on no image"] += lost
        tell(counts, progress)
        writer.finish()
        places_crs = write_places(places, writer.chips, made_by) if places else ""
    return {
        "chips": len(writer.chips),
        "confirmed": decided["mine"] + decided["dam"],
        "rejected": decided["false"],
        "unsure": decided["unsure"] + decided[""],
        "classes": dict(counts.cut),
        "output": output,
        "places": places,
        "places_crs": places_crs,
    }
