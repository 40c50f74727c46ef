"""Scenes from files: which belong together, where their masks are, what their numbers mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gossan.core.bands import Band, canonical_name
from gossan.core.errors import InputError, naming
from gossan.core.landsat_mtl import LandsatScene, read_mtl
from gossan.core.raster import RasterInfo, open_raster
from gossan.core.sensors import SENSORS
from gossan.models.imagery.landsat_reflectance import reflectance_rescaling
from gossan.models.imagery.scene import (
    LANDSAT,
    LANDSAT_LEVEL2,
    SENTINEL2,
    BandSource,
    Scene,
)
from gossan.models.imagery.scene_metadata import (
    LANDSAT_NAME,
    added_to_numbers,
    baseline_of,
    date_of_files,
    key_of_sensor,
    sensor_of_files,
    tagged_number,
)
from gossan.models.mines.image_scale import SENTINEL2_SCALE, scale_of

__all__ = ["BAND_FILE", "ScaleOptions", "file_stem", "scenes_from_files"]

BAND_FILE = re.compile(
    r"^(?P<stem>.*?)(?:^|[_\-. ])(?:SR_)?(?P<band>B(?:0?[1-9]|1[0-2]|8A))"
    r"(?:_(?P<metres>[126]0)m)?$",
    re.IGNORECASE,
)
"""Names of files of single bands, by the part that names the scene, the band and its pixels."""

_MASK = re.compile(
    r"^(?P<stem>.*?)(?:^|[_\-. ])"
    r"(?P<kind>SCL|QA60|QA_PIXEL|MSK_CLDPRB|MSK_CLASSI)(?:_[126]0m|_B00)?$",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?:^|[_\-. ])(?:AOT|WVP|TCI|PVI|QA_RADSAT|SR_QA_AEROSOL|SR_ATMOS_OPACITY|SR_CLOUD_QA|BQA|"
    r"ST_(?:B10|B6|ATRAN|CDIST|DRAD|EMIS|EMSD|QA|TRAD|URAD))(?:_[126]0m)?$",
    re.IGNORECASE,
)
"""Companions of the bands of a product that show no reflectance."""

_MASK_KINDS = {
    "SCL": "scl",
    "QA60": "qa60",
    "QA_PIXEL": "qa_pixel",
    "MSK_CLDPRB": "probability",
    "MSK_CLASSI": "classi",
}
_RASTERS = {".tif", ".tiff", ".jp2", ".vrt", ".img"}


@dataclass(frozen=True)
class ScaleOptions:
    """What the user says of the numbers of all scenes.

    Parameters
    ----------
    scale, offset : float or None
        Reflectance = stored number x scale + offset, instead of what files and metadata say.
    offset_removed : bool
        The offset of Sentinel-2's baseline 04.00 was taken off already, whatever the baseline.
    """

    scale: float | None = None
    offset: float | None = None
    offset_removed: bool = False


@dataclass(frozen=True)
class _Group:
    """The files of one scene: ``files`` by band name, or one raster of several bands."""

    stem: str
    folder: Path
    files: Mapping[str, str]
    whole: str = ""

    @property
    def first(self) -> str:
        return self.whole or next(iter(self.files.values()))


def scenes_from_files(
    paths: Sequence[str], masks: Sequence[str] = (), options: ScaleOptions | None = None
) -> list[Scene]:
    """Return the scenes that files are.

    Parameters
    ----------
    paths : sequence of str
        Rasters of several bands, one per scene, or the files of single bands as products of
        Sentinel-2 and Landsat have them; masks among them count as such.
    masks : sequence of str
        Cloud masks that do not lie beside their scene: one that begins with the name of a scene
        is its own, else as many as scenes, in their order.
    options : ScaleOptions, optional

    Returns
    -------
    list of Scene
        In the order of the files.

    Raises
    ------
    FileError
        When a file is missing or damaged.
    InputError
        When a mask belongs to no scene, or the numbers of a scene cannot become reflectance.
    """
    options = options or ScaleOptions()
    images = [path for path in paths if not _MASK.match(file_stem(path)) and not _other(path)]
    given = [*masks, *(path for path in paths if _MASK.match(file_stem(path)))]
    groups = _grouped(images)
    if not groups:
        raise InputError(
            "There is no image among the files that were given, only masks or other companions. "
            "Choose the files of the bands."
        )
    assigned = _assigned(groups, given)
    return [_scene(group, {**_beside(group), **own}, options) for group, own in
            zip(groups, assigned)]  # fmt: skip


def file_stem(path: str) -> str:
    """Return the name of an image without folder and ending."""
    return re.sub(r"\.(?:tiff?|jp2|vrt|img|dat)$", "", Path(path).name, flags=re.IGNORECASE)


def _other(path: str) -> bool:
    return bool(_OTHER.search(file_stem(path)))


def _grouped(images: Sequence[str]) -> list[_Group]:
    """Put the files of single bands together to scenes, in the order of their first file."""
    groups: dict[tuple[str, str], dict[str, tuple[int, str]]] = {}
    order: list[tuple[str, str]] = []
    for path in images:
        match = BAND_FILE.match(file_stem(path))
        if match is None:
            key = ("", path)
            groups[key] = {}
        else:
            # Without a name of its own a band belongs to its folder; the bands of a product in
            # folders by pixel size have one name.
            stem = match["stem"]
            key = (stem, "" if stem else str(Path(path).parent))
            metres = int(match["metres"] or 0)
            files = groups.setdefault(key, {})
            band = canonical_name(match["band"]).upper()
            if band not in files or metres < files[band][0]:
                files[band] = (metres, path)
        if key not in order:
            order.append(key)
    made = []
    for key in order:
        stem, place = key
        if not groups[key]:
            made.append(_Group(file_stem(place), Path(place).parent, {}, place))
            continue
        bands = sorted(groups[key], key=_band_order)
        chosen = {band: groups[key][band][1] for band in bands}
        first = Path(chosen[bands[0]])
        made.append(_Group(stem or first.parent.name, first.parent, chosen))
    return made


def _band_order(band: str) -> tuple[int, str]:
    return int(re.sub(r"\D", "", band)), band


def _assigned(groups: Sequence[_Group], masks: Sequence[str]) -> list[dict[str, BandSource]]:
    """Give each scene the masks that were named for it."""
    assigned: list[dict[str, BandSource]] = [{} for _ in groups]
    unknown = []
    for path in masks:
        match = _MASK.match(file_stem(path))
        owners = [
            number
            for number, group in enumerate(groups)
            if match
            and (
                _is_named_after(match["stem"], group.stem)
                or (not match["stem"] and Path(path).parent == group.folder)
            )
        ]
        if match is None or not owners:
            unknown.append(path)
            continue
        # Of names that begin alike, the longest one is meant.
        owner = max(owners, key=lambda number: len(groups[number].stem))
        assigned[owner][_MASK_KINDS[match["kind"].upper()]] = BandSource(path)
    if unknown and len(unknown) == len(masks) == len(groups):
        for number, path in enumerate(unknown):
            match = _MASK.match(file_stem(path))
            kind = _MASK_KINDS[match["kind"].upper()] if match else _kind_by_content(path)
            assigned[number][kind] = BandSource(path)
        return assigned
    if unknown:
        raise InputError(
            f"The cloud mask {unknown[0]} belongs to none of the scenes. Name masks after their "
            "scene, as in scene_SCL.tif, scene_QA60.tif or scene_QA_PIXEL.tif, or give one for "
            "each scene, in the same order."
        )
    return assigned


def _is_named_after(name: str, stem: str) -> bool:
    """Tell whether a mask's name is that of a scene, or continues it after a mark."""
    rest = name.lower().removeprefix(stem.lower()) if stem else name.lower()
    return rest != name.lower() and (not rest or not rest[0].isalnum())


def _kind_by_content(path: str) -> str:
    """Tell the kind of a mask by the name of its band."""
    with open_raster(path) as raster:
        name = raster.info.bands[0].name
    match = _MASK.match(name)
    if match is None:
        raise InputError(
            f"Neither the name of {path} nor that of its band ({name}) tells which kind of cloud "
            "mask it is. End its name in _SCL, _QA60 or _QA_PIXEL."
        )
    return _MASK_KINDS[match["kind"].upper()]


def _beside(group: _Group) -> dict[str, BandSource]:
    """Return the masks that lie where the products of Sentinel-2 and Landsat have them."""
    folder = group.folder
    granule = folder.parent.parent if re.fullmatch(r"R[126]0m", folder.name) else folder.parent
    found: dict[str, BandSource] = {}
    for place in (folder, folder.parent / "R20m", folder.parent / "R60m", granule / "QI_DATA"):
        if not place.is_dir():
            continue
        for file in sorted(place.iterdir()):
            match = _MASK.match(file_stem(file.name)) if file.suffix.lower() in _RASTERS else None
            if match is None:
                continue
            own = match["stem"].lower() in (group.stem.lower(), f"{group.stem}_SR".lower())
            nameless = not match["stem"] and (place.name == "QI_DATA" or not group.whole)
            if own or nameless:
                found.setdefault(_MASK_KINDS[match["kind"].upper()], BandSource(str(file)))
    return found


def _scene(group: _Group, masks: Mapping[str, BandSource], options: ScaleOptions) -> Scene:
    with naming(group.first):
        metadata = _landsat_metadata(group)
        if group.whole:
            scene = _from_whole(group, metadata, options)
        else:
            scene = _from_bands(group, metadata, options)
    return replace(scene, masks=dict(masks))


def _from_whole(group: _Group, metadata: LandsatScene | None, options: ScaleOptions) -> Scene:
    """Describe a raster that holds all bands of a scene."""
    with open_raster(group.whole, scale=options.scale, offset=options.offset) as raster:
        info = raster.info
        sensor = sensor_of_files(group.whole, metadata, info.bands, info.tags)
        baseline = baseline_of(group.whole, info.tags)
        added = 0.0
        notes = list(info.notes)
        if not info.scale_source and sensor == SENTINEL2 and info.is_integer:
            if not options.offset_removed:
                added = added_to_numbers(baseline, group.whole, info.tags)
            gains = [SENTINEL2_SCALE] * info.count
            shifts = [-added * SENTINEL2_SCALE] * info.count
        else:
            scale = scale_of(raster, range(info.count))
            gains, shifts = scale.gain.tolist(), scale.shift.tolist()
            if scale.note:
                notes.append(scale.note)
    bands = tuple(
        (band, BandSource(group.whole, band.index, gain, shift))
        for band, gain, shift in zip(info.bands, gains, shifts)
    )
    cloud = tagged_number(info.tags, ("CLOUD_COVERAGE_ASSESSMENT", "CLOUDY_PIXEL_PERCENTAGE"))
    return Scene(
        group.stem,
        bands,
        date_of_files(group.first, metadata, info.tags),
        sensor,
        baseline,
        added,
        cloud=None if cloud is None else cloud / 100.0,
        notes=tuple(notes),
    )


def _from_bands(group: _Group, metadata: LandsatScene | None, options: ScaleOptions) -> Scene:
    """Describe a scene of one file per band."""
    with open_raster(group.first) as raster:
        info = raster.info
    named = [Band(0, name) for name in group.files]
    sensor = sensor_of_files(group.first, metadata, named, info.tags)
    known = SENSORS.get(key_of_sensor(group.first, metadata, sensor), {})
    baseline = baseline_of(group.first, info.tags) if sensor == SENTINEL2 else ""
    added = 0.0
    if sensor == SENTINEL2 and not options.offset_removed:
        added = added_to_numbers(baseline, group.first, info.tags)
    bands, notes = [], list(info.notes)
    for number, (name, path) in enumerate(group.files.items()):
        centre, width = known.get(name, (None, None))
        if centre is not None and centre > 5000.0:
            notes.append(f"{path} is a thermal band and left out.")
            continue
        gain, shift = _rescaling(name, path, info, sensor, added, metadata, options)
        band = Band(number, name, centre, width)
        bands.append((band, BandSource(path, 0, gain, shift)))
    cloud = metadata.cloud_cover if metadata else None
    return Scene(
        group.stem,
        tuple(bands),
        date_of_files(group.first, metadata, info.tags),
        sensor,
        baseline,
        added,
        cloud=None if cloud is None or cloud < 0 else cloud / 100.0,
        notes=tuple(notes),
    )


def _rescaling(
    name: str,
    path: str,
    first: RasterInfo,
    sensor: str,
    added: float,
    metadata: LandsatScene | None,
    options: ScaleOptions,
) -> tuple[float, float]:
    """Return gain and shift from the stored numbers of one band's file to reflectance."""
    if options.scale is not None or options.offset is not None:
        return (1.0 if options.scale is None else options.scale), options.offset or 0.0
    if first.scale_source:
        with open_raster(path) as raster:
            return raster.info.scale[0], raster.info.offset[0]
    if sensor == SENTINEL2:
        return SENTINEL2_SCALE, -added * SENTINEL2_SCALE
    if metadata is not None:
        scaled = reflectance_rescaling(metadata, name)
        return scaled.gain, scaled.offset
    if sensor == LANDSAT:
        if re.search(r"_L2S[PR]_|_SR_B\d", Path(path).name, re.IGNORECASE):
            return LANDSAT_LEVEL2
        raise InputError(
            f"{path} is of Landsat's level 1 and its metadata (..._MTL.txt) are not beside it, so "
            "its numbers cannot become reflectance. Put them there, or give scale and offset."
        )
    with open_raster(path) as raster:
        scale = scale_of(raster, [0])
    return float(scale.gain[0]), float(scale.shift[0])


def _landsat_metadata(group: _Group) -> LandsatScene | None:
    """Return the MTL file beside a scene, where there is one of its name or only one."""
    name = group.stem.lower()
    beside = {
        re.sub(r"_mtl\.\w+$", "", file.name.lower()): file
        for ending in ("json", "xml", "txt")
        for file in sorted(group.folder.glob(f"*_[mM][tT][lL].{ending}"))
    }
    for stem, file in beside.items():
        of_landsat = LANDSAT_NAME.match(group.stem) and name.startswith(stem)
        if of_landsat or (group.files and stem == name):
            return read_mtl(file)
    return None
