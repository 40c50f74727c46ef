"""Every job on rasters as people have them: a sound result in the right place, or one sentence."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.errors import NotGeoreferencedWarning

from gossan.core.errors import FileError, InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.registry import load

ROWS, COLUMNS = 20, 24
TRANSFORM = Affine(30, 0, 500_000, 0, -30, 4_000_000)
WAVELENGTHS = np.linspace(450.0, 2300.0, 16)
NAMES = ("vegetation", "clay", "tailings", "soil")
ORIGIN = {"algorithm": "gossan:test", "version": "1", "parameters": {"A": 1}}


def _bump(centre, width):
    return np.exp(-(((WAVELENGTHS - centre) / width) ** 2))


ENDMEMBERS = np.stack(
    [
        0.10 + 0.40 * _bump(850, 300),
        0.60 - 0.30 * _bump(2200, 200),
        0.30 + 0.25 * (WAVELENGTHS - 450) / 1850,
        0.25 + 0.30 * _bump(1600, 250),
    ]
)
_random = np.random.default_rng(1)
ABUNDANCES = _random.dirichlet(np.full(4, 0.4), ROWS * COLUMNS).reshape(ROWS, COLUMNS, 4)
SCENE = ABUNDANCES @ ENDMEMBERS + _random.normal(0.0, 0.003, (ROWS, COLUMNS, 16))
METALS = np.stack(
    [
        20 + 200 * ABUNDANCES[..., 0] + _random.normal(0, 3, (ROWS, COLUMNS)),
        5 + 80 * ABUNDANCES[..., 1] + _random.normal(0, 2, (ROWS, COLUMNS)),
    ],
    axis=-1,
)
PLACES = _random.choice(ROWS * COLUMNS, 60, replace=False)


class Kind:
    """What a raster of this kind holds, and how its bands are told."""

    def __init__(self, values, names=None, wavelengths=None, unit="nm"):
        self.values, self.names, self.wavelengths, self.unit = values, names, wavelengths, unit


CUBE = Kind(SCENE, wavelengths=WAVELENGTHS)
FEATURES = Kind(ABUNDANCES, names=NAMES)
MAP = Kind(METALS, names=("Pb", "As"))


def write(path, kind, values=None, *, crs="EPSG:32649", transform=TRANSFORM, **profile):
    values = kind.values.astype("float32") if values is None else values
    rows, columns, count = values.shape
    profile = {"driver": "GTiff", "dtype": values.dtype.name, **profile}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            height=rows,
            width=columns,
            count=count,
            crs=crs,
            transform=transform or Affine.identity(),
            **profile,
        ) as dataset:
            dataset.write(np.moveaxis(values, -1, 0))
            for index in range(count):
                if kind.names is not None:
                    dataset.set_band_description(index + 1, f"{(kind.names * 2)[index]}")
                if kind.wavelengths is not None:
                    dataset.update_tags(
                        index + 1,
                        wavelength=str(np.tile(kind.wavelengths, 2)[index]),
                        wavelength_units=kind.unit,
                    )
    return path


def plain(path, kind):
    return write(path, kind)


def without_crs(path, kind):
    return write(path, kind, crs=None)


def without_place(path, kind):
    return write(path, kind, crs=None, transform=None)


def geographic(path, kind):
    place = Affine(0.0003, 0, 110, 0, -0.0003, 28)
    return write(path, kind, crs="EPSG:4326", transform=place)


def rotated(path, kind):
    return write(path, kind, transform=TRANSFORM @ Affine.rotation(30))


def south_up(path, kind):
    return write(path, kind, transform=Affine(30, 0, 500_000, 0, 30, 3_999_400))


def part(rows, columns):
    def make(path, kind):
        return write(path, kind, kind.values[:rows, :columns].astype("float32"))

    return make


def one_band(path, kind):
    return write(path, kind, kind.values[..., :1].astype("float32"))


def more_bands(path, kind):
    values = np.concatenate([kind.values, kind.values], axis=-1).astype("float32")
    wavelengths = kind.wavelengths
    names = kind.names and (*kind.names, *(f"{name} again" for name in kind.names))
    if wavelengths is not None:
        wavelengths = np.concatenate([wavelengths, wavelengths[:-1] + 50, [2310.0]])
    return write(path, Kind(kind.values, names, wavelengths), values)


def filled(value, **profile):
    def make(path, kind):
        return write(path, kind, np.full(kind.values.shape, value, "float32"), **profile)

    return make


def infinite(path, kind):
    values = kind.values.astype("float64")
    values[3], values[4], values[5], values[6, :, 0] = np.inf, -np.inf, 1e300, np.nan
    values[7] = -3.4028234663852886e38
    return write(path, kind, values)


def nodata_per_band(path, kind):
    """A VRT, for GeoTIFF has one nodata value for all bands."""
    values = kind.values.astype("float32")
    values[2, :, 0], values[4, :, 1] = -1.0, -2.0
    source = write(path.with_suffix(".source.tif"), kind, values)
    bands = "".join(
        f'<VRTRasterBand dataType="Float32" band="{i}">'
        + (f"<Description>{kind.names[i - 1]}</Description>" if kind.names else "")
        + (
            f'<Metadata><MDI key="wavelength">{kind.wavelengths[i - 1]}</MDI></Metadata>'
            if kind.wavelengths is not None
            else ""
        )
        + f"<NoDataValue>{-float(min(i, 2))}</NoDataValue><SimpleSource>"
        f'<SourceFilename relativeToVRT="1">{source.name}</SourceFilename>'
        f"<SourceBand>{i}</SourceBand></SimpleSource></VRTRasterBand>"
        for i in range(1, values.shape[-1] + 1)
    )
    with rasterio.open(source) as dataset:
        place = ", ".join(map(str, dataset.transform.to_gdal()))
        text = (
            f'<VRTDataset rasterXSize="{COLUMNS}" rasterYSize="{ROWS}"><SRS>EPSG:32649</SRS>'
            f"<GeoTransform>{place}</GeoTransform>{bands}</VRTDataset>"
        )
    path = path.with_suffix(".vrt")
    path.write_text(text)
    return path


def integers(dtype, greatest, **profile):
    def make(path, kind):
        values = np.round(kind.values / kind.values.max() * greatest)
        return write(path, kind, values.astype(dtype), **profile)

    return make


def negative(path, kind):
    return write(path, kind, (kind.values - 0.25 * kind.values.max()).astype("float32"))


def above_one(path, kind):
    return write(path, kind, (3 * kind.values).astype("float32"))


def collar(path, kind):
    values = kind.values.astype("float32")
    values[:4], values[:, -5:] = 0, 0
    return write(path, kind, values)


def three_pixels(path, kind):
    values = np.full(kind.values.shape, np.nan, "float32")
    for row, column in ((7, 7), (8, 8), (9, 7)):
        values[row, column] = kind.values[row, column]
    return write(path, kind, values)


def complex_numbers(path, kind):
    return write(path, kind, kind.values.astype("complex64"))


def truncated(path, kind):
    write(path, kind, np.tile(kind.values, (4, 4, 1)).astype("float32"))
    os.truncate(path, path.stat().st_size * 6 // 10)
    return path


def corrupt(path, kind):
    tiles = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"}
    write(path, kind, **tiles)
    content = bytearray(path.read_bytes())
    start = len(content) // 4
    content[start : start * 3] = bytes(2 * start)
    path.write_bytes(content)
    return path


def envi(interleave):
    def make(path, kind):
        return write(path.with_suffix(".dat"), kind, driver="ENVI", interleave=interleave)

    return make


def envi_without_header(path, kind):
    path = write(path.with_suffix(".dat"), kind, driver="ENVI")
    path.with_suffix(".hdr").unlink()
    return path


def envi_cut_off(path, kind):
    path = write(path.with_suffix(".dat"), kind, driver="ENVI")
    os.truncate(path, path.stat().st_size * 2 // 3)
    return path


def envi_of_another_size(path, kind):
    path = write(path.with_suffix(".dat"), kind, driver="ENVI")
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace("lines   = 20", "lines   = 2000"))
    return path


def no_raster(path, kind):
    path.write_text("this is no raster")
    return path


def empty_file(path, kind):
    path.write_bytes(b"")
    return path


def missing_file(path, kind):
    return path


def folder(path, kind):
    path.mkdir()
    return path


UGLY = {
    "plain": plain,
    "without CRS": without_crs,
    "without place": without_place,
    "other CRS": geographic,
    "rotated": rotated,
    "south-up": south_up,
    "1 x 1": part(1, 1),
    "one row": part(1, COLUMNS),
    "one column": part(ROWS, 1),
    "one band": one_band,
    "more bands": more_bands,
    "all NaN": filled(np.nan),
    "all nodata": filled(-9999.0, nodata=-9999.0),
    "all zero": filled(0.0),
    "constant": filled(0.3),
    "infinite and NaN": infinite,
    "nodata per band": nodata_per_band,
    "int8": integers("int8", 120),
    "uint8": integers("uint8", 250),
    "int16": integers("int16", 9000, nodata=-1),
    "uint16": integers("uint16", 9000, nodata=0),
    "int32": integers("int32", 90_000),
    "negative": negative,
    "above one": above_one,
    "collar": collar,
    "three pixels": three_pixels,
    "complex": complex_numbers,
    "truncated": truncated,
    "corrupt tiles": corrupt,
    "BSQ": envi("bsq"),
    "BIL": envi("bil"),
    "BIP": envi("bip"),
    "no header": envi_without_header,
    "cut off": envi_cut_off,
    "header of another size": envi_of_another_size,
    "no raster": no_raster,
    "empty file": empty_file,
    "missing": missing_file,
    "a folder": folder,
}
DAMAGED = {
    "complex",
    "truncated",
    "corrupt tiles",
    "no header",
    "cut off",
    "header of another size",
    "no raster",
    "empty file",
    "missing",
    "a folder",
}
NOTHING = {"all NaN", "all nodata"}
FLAT = {"all zero", "constant"}
OFF = {"without place", "other CRS", "1 x 1", "one row"}
"""Rasters that the samples do not lie on, or too few of them."""


class Job:
    """A job with what it needs beside its raster, and the rasters that it has to refuse."""

    def __init__(self, name, kind, parameter, outputs, refuses, **others):
        self.name, self.kind, self.parameter, self.outputs = name, kind, parameter, outputs
        self.refuses, self.others = DAMAGED | refuses, others


JOBS = {
    "extract": Job(
        "endmembers.extract",
        CUBE,
        "raster",
        {"library": "l.csv", "points": "p.geojson", "angles": "a.tif"},
        NOTHING | FLAT | {"1 x 1", "one band", "three pixels"},
        skewers=100,
    ),
    "count": Job(
        "endmembers.count",
        CUBE,
        "raster",
        {},
        NOTHING | {"all zero", "1 x 1", "one band", "three pixels"},
    ),
    "NNLS": Job(
        "abundances.estimate",
        CUBE,
        "raster",
        {"output": "a.tif"},
        NOTHING | {"all zero"},
        library="{library}",
    ),
    "NMF": Job(
        "abundances.estimate",
        CUBE,
        "raster",
        {"output": "a.tif"},
        NOTHING | {"all zero"},
        library="{library}",
        method="nmf",
        iterations=5,
    ),
    "angles": Job(
        "spectra.map_angles",
        CUBE,
        "raster",
        {"angles": "a.tif", "classes": "c.tif"},
        NOTHING | {"all zero", "one band"},
        library="{library}",
        threshold=1.0,
    ),
    "train": Job(
        "metals.train",
        FEATURES,
        "features",
        {"model": "m.gossan", "table": "t.csv", "predictions": "p.geojson"},
        OFF | NOTHING | FLAT | {"one column", "three pixels"},
        samples="{samples}",
        elements=["Pb", "As"],
        trees=3,
        validation="k-fold",
        folds=2,
    ),
    "map": Job(
        "metals.map",
        FEATURES,
        "features",
        {"concentrations": "c.tif", "uncertainty": "u.tif", "applicability": "a.tif"},
        {"one band"},
        model="{model}",
        mask_outside=False,
        workers=1,
    ),
    "assess": Job(
        "metals.assess",
        MAP,
        "concentrations",
        {"table": "t.csv", "predictions": "p.geojson"},
        (OFF - {"one row"}) | NOTHING | {"one band", "three pixels"},
        samples="{samples}",
        elements=["Pb", "As"],
    ),
    "correlate": Job(
        "metals.correlate",
        MAP,
        "raster",
        {"table": "t.csv", "matrix": "m.csv"},
        NOTHING | {"1 x 1"},
    ),
    "cluster": Job(
        "metals.cluster",
        MAP,
        "raster",
        {"output": "z.tif", "polygons": "z.geojson", "table": "t.csv"},
        NOTHING | FLAT | {"1 x 1"},
        zones=2,
    ),
    "indices": Job(
        "metals.indices",
        MAP,
        "raster",
        {"output": "i.tif"},
        NOTHING,
        backgrounds="Pb=17;As=4.8",
    ),
}
EMPTY_MAPS = {("map", ugly) for ugly in NOTHING} | {("indices", "all zero")}
"""Results without a value, which the log says."""


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Library, samples and model that fit the plain rasters."""
    place = tmp_path_factory.mktemp("given")
    files = {
        "library": place / "library.csv",
        "samples": place / "samples.csv",
        "model": place / "m.gossan",
    }
    count = len(NAMES)
    library = SpectralLibrary(NAMES, ENDMEMBERS, WAVELENGTHS, NAMES, ("",) * count)
    write_library(files["library"], library)
    rows, columns = np.divmod(PLACES, COLUMNS)
    lines = [
        f"{n},{500_000 + 30 * (c + 0.5)},{4_000_000 - 30 * (r + 0.5)},"
        f"{METALS[r, c, 0]:.3f},{METALS[r, c, 1]:.3f}"
        for n, (r, c) in enumerate(zip(rows, columns))
    ]
    files["samples"].write_text("\n".join(["fid,x,y,Pb,As", *lines]))
    load("metals.train")(
        Progress(),
        features=[str(plain(place / "features.tif", FEATURES))],
        samples=str(files["samples"]),
        elements=["Pb", "As"],
        trees=3,
        validation="k-fold",
        folds=2,
        model=str(files["model"]),
    )
    return {name: str(path) for name, path in files.items()}


@pytest.fixture(scope="module")
def ugly_raster(tmp_path_factory):
    """Make each ugly raster once."""
    made = {}
    place = tmp_path_factory.mktemp("ugly")

    def get(kind, name):
        if (kind, name) not in made:
            path = place / f"{len(made)}_{name.replace(' ', '_')}.tif"
            made[kind, name] = str(UGLY[name](path, kind))
        return made[kind, name]

    return get


@pytest.mark.filterwarnings("error", "ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("ugly", UGLY)
@pytest.mark.parametrize("name", JOBS)
def test_a_raster_is_mapped_where_it_lies_or_refused_by_name(
    name, ugly, given, ugly_raster, tmp_path
):
    job, said = JOBS[name], []
    raster = ugly_raster(job.kind, ugly)
    parameters = {
        key: value.format(**given) if isinstance(value, str) else value
        for key, value in job.others.items()
    }
    parameters[job.parameter] = [raster] if job.parameter == "features" else raster
    parameters.update({key: str(tmp_path / file) for key, file in job.outputs.items()})
    progress = Progress(on_message=said.append, on_warning=said.append)
    if ugly in job.refuses:
        with pytest.raises((InputError, FileError)) as refusal:
            load(job.name)(progress, **parameters, origin=ORIGIN)
        sentence = str(refusal.value)
        about = (raster, given["library"], "usable value", "No feature")
        assert any(text in sentence for text in about), sentence
        assert "\n" not in sentence
        assert list(tmp_path.iterdir()) == []
        return
    load(job.name)(progress, **parameters, origin=ORIGIN)
    for file in job.outputs.values():
        assert (tmp_path / file).stat().st_size > 0
        if file.endswith(".tif"):
            lies_where_its_source_does(tmp_path / file, raster)
            assert holds_values(tmp_path / file) or (name, ugly) in EMPTY_MAPS
    if (name, ugly) in EMPTY_MAPS:
        assert any("empty" in sentence for sentence in said)


def lies_where_its_source_does(result, source):
    with rasterio.open(result) as made, rasterio.open(source) as given:
        assert (made.crs, made.transform, made.shape) == (given.crs, given.transform, given.shape)
        assert made.tags()["GOSSAN_ALGORITHM"] == "gossan:test"
        classes = made.dtypes[0].startswith("uint")
        assert made.nodata == 0 if classes else np.isnan(made.nodata)


def holds_values(path):
    with rasterio.open(path) as dataset:
        values = dataset.read()
    return bool((values != 0).any() if values.dtype.kind == "u" else np.isfinite(values).any())
