"""Wavelengths, scales, libraries and models that do not fit: put right aloud, or refused."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import rasterio

from gossan.core.errors import BandMismatchError, BundleError, FileError, InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, read_library, write_library
from gossan.models.registry import load


@pytest.fixture
def cube(small_world, tmp_path):
    """Write the cube with other wavelengths, bands or numbers."""

    def make(wavelengths=None, *, unit="nm", order=None, values=None, **profile):
        values = small_world.values.astype("float32") if values is None else values
        values = values if order is None else values[..., order]
        path = tmp_path / "scene.tif"
        with rasterio.open(small_world.cube) as like:
            settings = {
                **like.profile,
                "count": values.shape[-1],
                "dtype": values.dtype.name,
                **profile,
            }
        with rasterio.open(path, "w", **settings) as dataset:
            dataset.write(np.moveaxis(values, -1, 0))
            for index, wavelength in enumerate([] if wavelengths is None else wavelengths):
                tags = {"wavelength": str(wavelength), "wavelength_units": unit}
                dataset.update_tags(index + 1, **tags)
        return str(path)

    return make


@pytest.fixture
def library(small_world, tmp_path):
    """Write the library with other wavelengths or spectra."""

    def make(wavelengths=None, spectra=None):
        spectra = small_world.endmembers if spectra is None else np.asarray(spectra)
        wavelengths = small_world.wavelengths if wavelengths is None else wavelengths
        names = tuple(f"s{n}" for n in range(len(spectra)))
        path = tmp_path / "references.csv"
        write_library(path, SpectralLibrary(names, spectra, wavelengths, names, ("",) * len(names)))
        return str(path)

    return make


@pytest.fixture
def unmix(tmp_path):
    """Run the estimation of abundances; gives the maps and what was said."""

    def run(raster, library, **options):
        said = []
        progress = Progress(on_message=said.append, on_warning=said.append)
        output = tmp_path / "abundances.tif"
        load("abundances.estimate")(
            progress, raster=raster, library=library, output=str(output), **options
        )
        with rasterio.open(output) as dataset:
            return dataset.read(), " ".join(said)

    return run


@pytest.fixture
def expected(small_world, unmix):
    return unmix(small_world.cube, small_world.library)[0]


def test_micrometres_in_any_order_give_the_same_abundances(cube, small_world, unmix, expected):
    order = np.random.default_rng(2).permutation(16)
    for unit in ("um", "Micrometers", ""):
        raster = cube(small_world.wavelengths[order] / 1000, unit=unit, order=order)
        maps, _ = unmix(raster, small_world.library)
        np.testing.assert_allclose(maps, expected, atol=1e-5)


@pytest.mark.parametrize("factor", [1e4, 1e2])
def test_a_scale_that_no_one_declared_is_said(cube, small_world, unmix, expected, factor):
    values = np.round(small_world.values * factor).astype("int16")
    maps, said = unmix(cube(small_world.wavelengths, values=values), small_world.library)
    if factor == 1e4:
        np.testing.assert_allclose(maps, expected, atol=2e-2)
    assert "says nothing of its scale" in said
    assert "scene.tif" in said
    told = []
    load("endmembers.extract")(
        Progress(on_message=told.append, on_warning=told.append),
        raster=cube(small_world.wavelengths, values=values),
        skewers=100,
    )
    assert "says nothing of its scale" in " ".join(told)


def test_a_declared_scale_is_used_without_a_word(cube, small_world, unmix, expected):
    values = np.round(small_world.values * 1e4).astype("int16")
    raster = cube(small_world.wavelengths, values=values)
    with rasterio.open(raster, "r+") as dataset:
        dataset.scales = (1e-4,) * 16
    maps, said = unmix(raster, small_world.library)
    np.testing.assert_allclose(maps, expected, atol=2e-2)
    assert "scale" not in said


@pytest.mark.parametrize("known", [0, 8])
def test_missing_wavelengths_are_named_with_the_way_out(
    cube, small_world, unmix, expected, tmp_path, known
):
    raster = cube(small_world.wavelengths[:known])
    with pytest.raises(BandMismatchError, match=r"scene\.tif .*wavelengths of .*CSV.*by position"):
        unmix(raster, small_world.library)
    maps, _ = unmix(raster, small_world.library, by_position=True, drop_water_bands=False)
    assert np.isfinite(maps).all()
    table = tmp_path / "wavelengths.csv"
    table.write_text("wavelength\n" + "\n".join(map(str, small_world.wavelengths)))
    maps, _ = unmix(raster, small_world.library, wavelengths=str(table))
    np.testing.assert_allclose(maps, expected, atol=1e-5)


@pytest.mark.parametrize("wavelengths", [np.zeros(16), np.linspace(8000, 12000, 16)])
def test_wavelengths_that_the_library_does_not_have_are_refused_with_both_files(
    cube, small_world, unmix, wavelengths, tmp_path
):
    raster = cube(wavelengths)
    for name, outputs in (
        ("abundances.estimate", {"output": "a.tif"}),
        ("spectra.map_angles", {"angles": "a.tif"}),
        ("spectra.resample_library", {"output": "l.csv"}),
    ):
        places = {key: str(tmp_path / file) for key, file in outputs.items()}
        with pytest.raises(InputError) as refusal:
            load(name)(Progress(), raster=raster, library=small_world.library, **places)
        assert "scene.tif" in str(refusal.value)
        assert not any((tmp_path / file).exists() for file in outputs.values())


def test_a_library_in_percent_and_micrometres_is_put_right_aloud(
    small_world, tmp_path, unmix, expected
):
    path = tmp_path / "percent.csv"
    columns = zip(small_world.wavelengths / 1000, *(100 * small_world.endmembers))
    rows = [";".join(f"{value:.12g}".replace(".", ",") for value in row) for row in columns]
    path.write_bytes("\n".join(["wavelength (µm);a;b;c;grès", *rows]).encode("latin-1"))
    maps, said = unmix(small_world.cube, str(path))
    np.testing.assert_allclose(maps, expected, atol=1e-4)
    assert "percent" in said
    assert read_library(path).names[-1] == "grès"


def test_a_library_over_part_of_the_range_uses_the_common_bands_aloud(small_world, library, unmix):
    part = library(small_world.wavelengths[6:], small_world.endmembers[:, 6:])
    maps, said = unmix(small_world.cube, part)
    assert "bands are left out because the library has no values there" in said
    assert np.isfinite(maps).all()


def test_spectra_without_values_or_direction_are_named(small_world, library, unmix, tmp_path):
    empty = small_world.endmembers.copy()
    empty[2] = np.nan
    with pytest.raises(InputError, match=r"references\.csv: The spectrum s2 .* no values"):
        unmix(small_world.cube, library(spectra=empty))
    empty[2] = 0.0
    with pytest.raises(InputError, match=r"references\.csv: The spectrum s2 is zero everywhere"):
        load("spectra.map_angles")(
            Progress(),
            raster=small_world.cube,
            library=library(spectra=empty),
            angles=str(tmp_path / "a.tif"),
        )
    assert not (tmp_path / "a.tif").exists()


def test_angles_over_a_single_band_are_refused(small_world, library, tmp_path):
    beyond = library(small_world.wavelengths + 1850.0)
    with pytest.raises(InputError, match=r"references\.csv: .* one usable band only"):
        load("spectra.map_angles")(
            Progress(),
            raster=small_world.cube,
            library=beyond,
            angles=str(tmp_path / "a.tif"),
        )


@pytest.mark.parametrize(
    ("name", "content", "problem", "sentence"),
    [
        ("", None, FileError, "No spectral library was given"),
        ("none.sli", None, FileError, r"none\.sli does not exist"),
        ("empty.csv", b"", FileError, r"empty\.csv is empty"),
        ("head.csv", b"wavelength,a\n", InputError, r"head\.csv has no spectra"),
        ("text.csv", b"wavelength,a\n500,x\n600,1\n", InputError, r"text\.csv, row 2: 'x'"),
        ("bare.sli", b"1234", FileError, r"bare\.sli has no header \(bare\.hdr\)"),
    ],
)
def test_files_that_are_no_library_are_refused_by_name(
    small_world, unmix, tmp_path, name, content, problem, sentence
):
    path = tmp_path / name if name else ""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(problem, match=sentence):
        unmix(small_world.cube, str(path))


@pytest.fixture
def forge(small_world, tmp_path):
    """Write the model with its members changed."""

    def make(change):
        with zipfile.ZipFile(small_world.model) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        change(members)
        path = tmp_path / "forged.gossan"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return str(path)

    return make


def _card(**entries):
    def change(members):
        card = json.loads(members["card.json"])
        members["card.json"] = json.dumps({**card, **entries}).encode()

    return change


FORGED = {
    "another task": (_card(kind="mines"), "is a model for 'mines'"),
    "another schema": (_card(schema=99), "schema 99"),
    "no bands": (_card(bands=[]), "do not fit its bands"),
    "a card that is none": (lambda m: m.update({"card.json": b"{"}), "not valid JSON"),
    "a pickle inside": (lambda m: m.update({"model.pkl": b"cos\nsystem\n"}), "'model.pkl'"),
    "a path upwards": (lambda m: m.update({"../../evil": b"1"}), r"'\.\./\.\./evil'"),
    "no weights": (lambda m: m.pop("weights.safetensors"), "holds a card but no weights"),
    "weights of nothing": (lambda m: m.update({"weights.safetensors": b"\0" * 50}), "damaged"),
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_models_are_refused_by_name_and_nothing_is_mapped(
    small_world, forge, tmp_path, kind
):
    change, sentence = FORGED[kind]
    model, output = forge(change), tmp_path / "c.tif"
    with pytest.raises(BundleError, match=sentence) as refusal:
        load("metals.map")(
            Progress(), features=[small_world.features], model=model, concentrations=str(output)
        )
    assert model in str(refusal.value)
    assert not output.exists()


def test_broken_numbers_in_a_forest_are_refused(small_world, forge):
    import safetensors.numpy

    def spoil(**arrays):
        def change(members):
            stored = safetensors.numpy.load(members["weights.safetensors"])
            stored.update({name.replace("_", "/"): value for name, value in arrays.items()})
            members["weights.safetensors"] = safetensors.numpy.save(stored)

        return change

    for change in (
        spoil(**{"0_0_scale": np.array([np.nan, 0.0])}),
        spoil(**{"0_0_roots": np.array([0.5, 1.5, 2.5])}),
    ):
        with pytest.raises(BundleError, match=r"forged\.gossan .*damaged"):
            load("metals.map")(
                Progress(),
                features=[small_world.features],
                model=forge(change),
                concentrations=str(small_world.model) + ".tif",
            )


def test_a_truncated_or_missing_model_is_refused(small_world, tmp_path):
    cut = tmp_path / "cut.gossan"
    with open(small_world.model, "rb") as file:
        cut.write_bytes(file.read()[:-200])
    for model, problem, sentence in (
        (str(cut), BundleError, r"cut\.gossan is not a model file or is damaged"),
        (str(tmp_path / "none.gossan"), FileError, r"none\.gossan does not exist"),
        ("", FileError, "No model was given"),
    ):
        with pytest.raises(problem, match=sentence):
            load("metals.map")(
                Progress(),
                features=[small_world.features],
                model=model,
                concentrations=str(tmp_path / "c.tif"),
            )


def test_a_model_for_other_bands_is_refused_with_both_lists(small_world, tmp_path):
    with pytest.raises(BandMismatchError) as refusal:
        load("metals.map")(
            Progress(),
            features=[small_world.metals],
            model=small_world.model,
            concentrations=str(tmp_path / "c.tif"),
        )
    sentence = str(refusal.value)
    assert sentence.startswith(small_world.metals)
    assert "vegetation, clay, tailings, soil" in sentence
    assert "Available: Pb, As" in sentence
    with pytest.raises(BandMismatchError, match="4 bands are needed and the raster has 2"):
        load("metals.map")(
            Progress(),
            features=[small_world.metals],
            model=small_world.model,
            concentrations=str(tmp_path / "c.tif"),
            by_position=True,
        )
