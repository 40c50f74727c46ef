"""Job: cut chips from images around points, or by masks of mines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from rasterio.crs import CRS

from gossan.core.errors import InputError
from gossan.core.folders import write_folder_then_rename
from gossan.core.job_files import job_files
from gossan.core.origin import Origin
from gossan.core.progress import Progress
from gossan.core.raster import open_raster
from gossan.core.vectors import point, write_features
from gossan.models.mines import geometry
from gossan.models.mines.chips import CONTENTS, MINE, Chip, ChipImage, ChipWriter, point_rows
from gossan.models.mines.extraction import (
    EXACT,
    IMPACT,
    KINDS,
    SIZES,
    SMALLEST_TILE,
    TILES,
    Counts,
    cut_cells,
    cut_points,
    cut_tiles,
    read_points,
)
from gossan.models.mines.image_scale import scale_of
from gossan.models.mines.images import ImageOptions
from gossan.models.mines.masks import CellRules, Mask, polygon_mask, raster_mask
from gossan.models.mines.ores import (
    GOLD_WARNING,
    impact_of,
    is_gold,
    read_ores,
    unknown_ores,
)

_ORES_NAMED = 12

POINT_FIELDS: Mapping[str, type] = {
    "chip": str,
    "class": str,
    "group": str,
    "source": str,
    "size": int,
    "origin": str,
    "note": str,
    "longitude": float,
    "latitude": float,
}


@job_files(
    reads=("images", "points", "masks", "polygons", "ores", "wavelengths"),
    writes=("places",),
    folders={"output": CONTENTS},
)
def extract_chips(
    progress: Progress,
    *,
    images: Sequence[str],
    output: str,
    points: Sequence[str] = (),
    class_field: str = "",
    group_field: str = "",
    constant_class: str = MINE,
    are_ores: bool = False,
    ores: str = "",
    masks: Sequence[str] = (),
    polygons: Sequence[str] = (),
    mine_share: float = 30.0,
    background_share: float = 2.0,
    background_ratio: float = 3.0,
    kind: str = EXACT,
    tile_size: int = 729,
    missing_share: float = 5.0,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    collars: bool = True,
    seed: int = 0,
    places: str = "",
    origin: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Cut chips from images, with a table of what each one shows.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    images : sequence of str
        Rasters; each is cut by itself.
    output : str
        Folder to write.
    points : sequence of str
        For each image a CSV of all points, ``fid,x,y,<fields>``, in that image's CRS.
    class_field, group_field : str
        Columns of the classes and of the sites that a split must not part; may be empty.
    constant_class : str
        Class of all points where there is no field.
    are_ores : bool
        The classes are names of ores, to be turned into classes of impact.
    ores : str
        CSV with the columns ``ore`` and ``impact``; the one that ships when empty.
    masks : sequence of str
        For each image a raster on its pixels, not zero on mines.
    polygons : sequence of str
        For each image a GeoJSON of mines in that image's CRS.
    mine_share, background_share : float
        Per cent of a cell's 27 x 27 pixels from which it is mine, and up to which background.
    background_ratio : float
        Background chips for each mine chip, where chips are cut by masks.
    kind : str
        One of ``gossan.models.mines.extraction.KINDS``.
    tile_size : int
        Side of tiles, a multiple of 27.
    missing_share : float
        Greatest share of missing pixels in a chip, per cent.
    wavelengths : str
        CSV with band wavelengths; those of the images when empty.
    scale, offset : float or None
        Reflectance = stored number x scale + offset, instead of what the images say.
    collars : bool
        Pixels that are zero in every band count as missing.
    seed : int
        Draws the background chips.
    places : str
        Points of the chips to write (.geojson); not written when empty.
    origin : mapping, optional
        Algorithm, version and parameters, kept with the outputs.

    Returns
    -------
    dict
        ``chips``, ``dropped``, ``classes`` (number of each), ``unknown_ores`` (number of each),
        ``places_crs`` (authority code, empty where unknown) and the paths ``output``, ``places``.
    """
    _check(images, points, masks, polygons, kind, tile_size)
    rules = CellRules(mine_share / 100.0, background_share / 100.0, missing_share / 100.0)
    classify, unknown = _classifier(points, class_field, are_ores, ores, progress)
    options = ImageOptions(wavelengths, scale, offset, collars=collars)
    made_by = Origin.from_dict(origin)
    counts, on_images = Counts(), set[str]()
    with write_folder_then_rename(output, replaces=CONTENTS) as folder:
        writer = ChipWriter(folder, made_by)
        for number, path in enumerate(images):
            part = progress.part(number / len(images), (number + 1) / len(images))
            with ExitStack() as opened:
                image = open_chip_image(path, options, part, opened)
                if points:
                    read = read_points(points[number], class_field, group_field, constant_class)
                    on_images |= cut_points(
                        image,
                        read,
                        classify,
                        SIZES[kind],
                        writer,
                        counts,
                        part,
                        largest_missing=rules.missing,
                    )
                    continue
                mask = _mask(image, masks, polygons, number, opened)
                if kind == TILES:
                    cut_tiles(image, mask, rules, tile_size, writer, counts, part)
                else:
                    size = SIZES[kind]
                    cut_cells(
                        image,
                        mask,
                        rules,
                        size,
                        writer,
                        counts,
                        part,
                        ratio=background_ratio,
                        seed=seed + number,
                    )
        if points:
            _count_lost(points[0], class_field, constant_class, classify, on_images, counts)
        tell(counts, progress)
        writer.finish()
        places_crs = write_places(places, writer.chips, made_by) if places else ""
    return {
        "chips": len(writer.chips),
        "dropped": sum(counts.dropped.values()),
        "classes": dict(counts.cut),
        "unknown_ores": unknown,
        "output": output,
        "places": places,
        "places_crs": places_crs,
    }


def open_chip_image(
    path: str, options: ImageOptions, progress: Progress, opened: ExitStack
) -> ChipImage:
    """Open an image that chips are cut from, and say what had to be assumed of it."""
    raster = opened.enter_context(
        open_raster(
            path, wavelengths=options.wavelengths, scale=options.scale, offset=options.offset
        )
    )
    scale = scale_of(raster, range(raster.info.count))
    for note in (*raster.info.notes, scale.note):
        if note:
            progress.say(note)
    wkt = raster.info.crs_wkt
    authority = CRS.from_wkt(wkt).to_authority() if wkt else None
    return ChipImage(
        raster, scale, ":".join(authority) if authority else wkt or "", options.collars
    )


def tell(counts: Counts, progress: Progress) -> None:
    """Say what was cut and what was not."""
    cut = ", ".join(f"{number} {klass}" for klass, number in counts.cut.most_common())
    progress.say(f"Chips: {cut or 'none'}.")
    for sentence in counts.sentences():
        progress.say(sentence)


def write_places(path: str, chips: Sequence[Chip], origin: Origin) -> str:
    """Write the places of chips as points and return their CRS.

    That is longitude and latitude where those are known, and else "" for the image's own.
    """
    known = all(chip.longitude == chip.longitude for chip in chips)
    write_features(
        path,
        point_rows(chips),
        (
            point(chip.longitude, chip.latitude) if known else point(chip.x, chip.y)
            for chip in chips
        ),
        fields=POINT_FIELDS,
        crs_wkt=CRS.from_epsg(4326).to_wkt() if known else None,
        name="chips",
        tags=origin.tags(),
    )
    return "EPSG:4326" if known else ""


def _check(
    images: Sequence[str],
    points: Sequence[str],
    masks: Sequence[str],
    polygons: Sequence[str],
    kind: str,
    tile_size: int,
) -> None:
    if kind not in KINDS:
        raise InputError(f"Unknown kind of chips {kind!r}; use one of {', '.join(KINDS)}.")
    if not images:
        raise InputError("No image was given. Choose at least one.")
    given = [each for each in (points, masks, polygons) if each]
    if len(given) != 1:
        raise InputError("Give either class points, or masks, or polygons of mines: one of them.")
    if len(given[0]) != len(images):
        raise InputError(
            f"{len(given[0])} masks do not fit {len(images)} images; give one per image, in the "
            "order of the images."
        )
    if kind == TILES and points:
        raise InputError("Tiles need the class of every cell: give masks or polygons of mines.")
    if kind == IMPACT and not points:
        raise InputError("Masks do not tell an impact: cut impact chips around class points.")
    if kind == TILES and (tile_size % geometry.STRIDE or tile_size < SMALLEST_TILE):
        raise InputError(
            f"A tile of {tile_size} pixels does not consist of whole cells: take a multiple of "
            f"{geometry.STRIDE}, {SMALLEST_TILE} or more."
        )


def _classifier(
    points: Sequence[str], class_field: str, are_ores: bool, ores: str, progress: Progress
) -> tuple[Callable[[str], str | None], dict[str, int]]:
    """Return what gives the class of a point by the text of its field, and the unknown ores."""
    if not points or not are_ores:
        return lambda text: text or None, {}
    if not class_field:
        raise InputError("Name the field that holds the names of the ores.")
    table = read_ores(ores)
    named = [name for name in read_points(points[0], class_field, "", "").classes if name]
    unknown = unknown_ores(named, table)
    if unknown:
        shown = list(unknown.items())[:_ORES_NAMED]
        listed = ", ".join(f"{name} ({count})" for name, count in shown)
        more = f" and {len(unknown) - _ORES_NAMED} more" if len(unknown) > _ORES_NAMED else ""
        progress.warn(
            f"{sum(unknown.values())} points are left out, for the table of ores does not know: "
            f"{listed}{more}. Copy the table {ores or 'that ships (models/mines/ores.csv)'}, add "
            "them and give that one."
        )
    if any(is_gold(name) and impact_of(name, table) for name in named):
        progress.warn(GOLD_WARNING)
    return lambda text: impact_of(text, table) if text else None, unknown


def _count_lost(
    path: str,
    class_field: str,
    constant: str,
    classify: Callable[[str], str | None],
    on_images: set[str],
    counts: Counts,
) -> None:
    """Count the points that have no class or lie on no image."""
    read = read_points(path, class_field, "", constant)
    for identifier, text in zip(read.ids, read.classes):
        if classify(text) is None:
            counts.dropped["their class is unknown or empty"] += 1
        elif identifier not in on_images:
            counts.dropped["off every image"] += 1


def _mask(
    image: ChipImage,
    masks: Sequence[str],
    polygons: Sequence[str],
    number: int,
    opened: ExitStack,
) -> Mask:
    if masks:
        mask = raster_mask(masks[number], image.raster.info)
        opened.callback(mask.close)
        return mask
    return polygon_mask(polygons[number], image.raster.info)
