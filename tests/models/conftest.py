"""A small world for tests of whole jobs: scene, features, metals, samples, library and model."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from job_calls import MAKERS
from stac_server import StacServer, sentinel2_item

from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.registry import load

ROWS, COLUMNS, SAMPLES = 20, 24, 60
WAVELENGTHS = np.linspace(450.0, 2300.0, 16)
NAMES = ("vegetation", "clay", "tailings", "soil")


def _bump(centre, width):
    return np.exp(-(((WAVELENGTHS - centre) / width) ** 2))


def _write(path, values, names, wavelengths=None):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=ROWS,
        width=COLUMNS,
        count=values.shape[-1],
        dtype="float32",
        crs="EPSG:32649",
        transform=Affine(30, 0, 500_000, 0, -30, 4_000_000),
    ) as dataset:
        dataset.write(np.moveaxis(values, -1, 0).astype("float32"))
        for index, name in enumerate(names, start=1):
            dataset.set_band_description(index, name)
            if wavelengths is not None:
                dataset.update_tags(index, wavelength=str(wavelengths[index - 1]))
    return str(path)


@pytest.fixture(scope="session")
def small_world(tmp_path_factory):
    """Paths of ``cube``, ``features``, ``metals``, ``library``, ``samples`` and ``model``.

    ``rows`` holds the samples as ``fid,x,y,Pb,As``, ``values`` the cube, ``endmembers`` what it is
    made of.
    """
    random = np.random.default_rng(1)
    endmembers = np.stack(
        [
            0.10 + 0.40 * _bump(850, 300),
            0.60 - 0.30 * _bump(2200, 200),
            0.30 + 0.25 * (WAVELENGTHS - 450) / 1850,
            0.25 + 0.30 * _bump(1600, 250),
        ]
    )
    shares = random.dirichlet(np.full(4, 0.4), ROWS * COLUMNS).reshape(ROWS, COLUMNS, 4)
    cube = shares @ endmembers + random.normal(0.0, 0.003, (ROWS, COLUMNS, 16))
    lead = 20 + 200 * shares[..., 0] + random.normal(0, 3, (ROWS, COLUMNS))
    arsenic = 5 + 80 * shares[..., 1] + random.normal(0, 2, (ROWS, COLUMNS))
    place = tmp_path_factory.mktemp("small_world")
    rows = []
    for fid, pixel in enumerate(random.choice(ROWS * COLUMNS, SAMPLES, replace=False)):
        row, column = divmod(int(pixel), COLUMNS)
        x, y = 500_000 + 30 * (column + 0.5), 4_000_000 - 30 * (row + 0.5)
        rows.append(f"{fid},{x},{y},{lead[row, column]:.3f},{arsenic[row, column]:.3f}")
    world = SimpleNamespace(
        cube=_write(place / "cube.tif", cube, [""] * 16, WAVELENGTHS),
        features=_write(place / "features.tif", shares, NAMES),
        metals=_write(place / "metals.tif", np.stack([lead, arsenic], axis=-1), ("Pb", "As")),
        library=str(place / "library.csv"),
        samples=str(place / "samples.csv"),
        model=str(place / "model.gossan"),
        rows=tuple(rows),
        values=cube,
        endmembers=endmembers,
        wavelengths=WAVELENGTHS,
        names=NAMES,
    )
    library = SpectralLibrary(NAMES, endmembers, WAVELENGTHS, NAMES, ("",) * 4)
    write_library(world.library, library)
    (place / "samples.csv").write_text("\n".join(["fid,x,y,Pb,As", *rows]))
    load("metals.train")(
        Progress(),
        features=[world.features],
        samples=world.samples,
        elements=["Pb", "As"],
        trees=3,
        validation="k-fold",
        folds=2,
        model=world.model,
    )
    return world


@pytest.fixture(scope="session")
def job_world(small_world, tmp_path_factory):
    """The small world and all that further jobs read, with a catalogue of images that answers."""
    made = dict(vars(small_world))
    for make in MAKERS:
        new = make(tmp_path_factory.mktemp(make.__module__.rpartition(".")[2]))
        assert not made.keys() & new.keys()
        made.update(new)
    box = (111.0, 26.0, 111.4, 26.4)
    items = [sentinel2_item(date, date, box) for date in ("2024-01-05", "2024-02-05")]
    with StacServer(tmp_path_factory.mktemp("catalogue"), items) as running:
        yield SimpleNamespace(**made, catalogue=running.url)
