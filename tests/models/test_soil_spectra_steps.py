"""Pre-processing against SciPy and formulas worked out here; names of spectra and of controls."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from gossan.core.continuum import remove_continuum
from gossan.core.errors import BandMismatchError, InputError
from gossan.core.spectra import SpectralLibrary, write_library
from gossan.models.soil_spectra.names import compile_pattern, no_sample, samples_of
from gossan.models.soil_spectra.reading import read_spectra
from gossan.models.soil_spectra.spectrogram import frames_of, on_network_grid, spectrograms
from gossan.models.soil_spectra.steps import (
    STEPS,
    Spectra,
    StepOptions,
    parse_steps,
    preprocess,
    window_bands,
)

GRID = np.arange(350.0, 2501.0)


def soils(count=4, seed=0, grid=GRID):
    random = np.random.default_rng(seed)
    values = np.tile(0.1 + 0.35 * (1 - np.exp(-(grid - 300) / 600)), (count, 1))
    for centre, width in ((500, 60), (900, 80), (1412, 20), (1912, 40), (2206, 20)):
        depth = random.uniform(0.03, 0.3, (count, 1))
        values *= 1 - depth * np.exp(-0.5 * ((grid - centre) / width) ** 2)
    return Spectra(values + random.normal(0, 5e-4, values.shape), grid)


def after(spectra, *steps, **options):
    return preprocess(spectra, StepOptions(steps=steps, **options))[-1].spectra


def test_the_default_order_is_trim_hull_absorbance_smooth_slope():
    spectra = soils()
    found = preprocess(spectra, StepOptions())[-1].spectra
    kept = (GRID >= 400) & (GRID <= 2400)
    hull = remove_continuum(spectra.values[:, kept], GRID[kept])
    smooth = savgol_filter(np.log10(1 / hull), 31, 2, axis=1)
    np.testing.assert_allclose(found.values, np.gradient(smooth, GRID[kept], axis=1), atol=1e-12)
    assert found.values.shape == (4, 2001)


def test_the_order_is_free_and_matters():
    spectra = soils()
    published = after(spectra, "trim", "absorbance", "continuum")
    assert not np.allclose(
        published.values, after(spectra, "trim", "continuum", "absorbance").values
    )
    twice = preprocess(spectra, StepOptions(steps=("derivative", "derivative")))
    assert twice[-1].quantity == "second derivative"
    expected = np.gradient(np.gradient(spectra.values, axis=1), axis=1)
    np.testing.assert_allclose(twice[-1].spectra.values, expected, atol=1e-12)


def test_no_filter_crosses_a_masked_water_band():
    spectra = soils()
    masked = after(spectra, "mask")
    assert [len(spectra.wavelengths[run]) for run in masked.runs()] == [1000, 329, 540]
    changed = spectra.values.copy()
    changed[:, GRID > 1960] += 0.3
    for step in ("smooth", "derivative"):
        one = after(spectra, "mask", step).values
        other = after(Spectra(changed, GRID), "mask", step).values
        left = masked.wavelengths < 1960
        np.testing.assert_array_equal(one[:, left], other[:, left])


def test_splicing_takes_out_steps_between_detectors():
    spectra = soils(6)
    stepped = spectra.values.copy()
    gains = np.linspace(0.9, 1.1, 6)[:, None]
    stepped[:, GRID <= 1000] *= gains
    stepped[:, GRID > 1800] /= gains
    joined = after(Spectra(stepped, GRID), "splice").values
    np.testing.assert_allclose(joined, after(spectra, "splice").values, rtol=1e-9)
    assert np.abs(joined / spectra.values - 1).max() < 0.02


def test_standard_normal_variate_and_detrending():
    spectra = soils()
    snv = after(spectra, "snv").values
    np.testing.assert_allclose(snv.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(snv.std(axis=1, ddof=1), 1)
    flat = after(spectra, "detrend").values
    for row, straight in zip(snv, flat):
        parabola = np.polyval(np.polyfit(GRID - GRID.mean(), row, 2), GRID - GRID.mean())
        np.testing.assert_allclose(straight, row - parabola, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 200), st.floats(0.3, 20))
def test_the_window_is_the_nearest_odd_number_of_bands(width, spacing):
    bands = window_bands(np.arange(50) * spacing + 400, width)
    assert bands % 2 == 1
    others = [n for n in (bands - 2, bands + 2) if n > 0]
    assert all(abs(bands - width / spacing) <= abs(n - width / spacing) + 1e-9 for n in others)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([s for s in STEPS if s != "absorbance"]), max_size=6))
def test_any_order_of_steps_gives_finite_spectra(steps):
    found = after(soils(2), *steps)
    assert np.isfinite(found.values).all()
    assert found.values.shape == (2, len(found.wavelengths))


def test_what_cannot_be_done_is_said():
    assert parse_steps("Trim, mask > snv;\nsmooth") == ("trim", "mask", "snv", "smooth")
    with pytest.raises(InputError, match="no pre-processing step 'msc'"):
        StepOptions(steps=("msc",))
    with pytest.raises(InputError, match="put the step absorbance before"):
        after(soils(), "derivative", "absorbance")
    with pytest.raises(InputError, match="Only 0 bands are left after trimming"):
        after(soils(), "trim", trim=(3000, 4000))


def test_a_picture_of_2001_bands_has_14_frames_of_129_magnitudes():
    values = soils().values[:, 50:2051]
    pictures = spectrograms(values)
    assert pictures.shape == (4, 14, 129)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(255) / 254)
    for frame in (0, 13):
        piece = values[2, 128 * frame : 128 * frame + 255] * window
        turns = np.exp(-2j * np.pi * np.outer(np.arange(129), np.arange(255)) / 256)
        np.testing.assert_allclose(pictures[2, frame], np.abs(turns @ piece), atol=1e-4)
    with pytest.raises(InputError, match="frames of 255 nm"):
        frames_of(254)


def test_the_pictures_are_those_of_tensorflow():
    tensorflow = pytest.importorskip("tensorflow")
    values = soils().values[:, 50:2051]
    theirs = np.abs(tensorflow.signal.stft(values, frame_length=255, frame_step=128).numpy())
    np.testing.assert_allclose(spectrograms(values), theirs, atol=2e-5)


def test_masked_and_coarse_spectra_come_to_the_networks_grid():
    masked = after(soils(), "trim", "mask")
    values = on_network_grid(masked)
    assert values.shape == (4, 2001)
    np.testing.assert_allclose(values[:, 0], masked.values[:, 0])
    coarse = soils(grid=np.arange(400.0, 2401.0, 5.0))
    assert on_network_grid(coarse).shape == (4, 2001)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("BLANK", "laboratory blank"),
        ("method blank 2", "laboratory blank"),
        ("STD GX-2", "laboratory standard"),
        ("OREAS 45e", "laboratory standard"),
        ("S014 DUP", "laboratory duplicate"),
        ("S014-dup2", "laboratory duplicate"),
        ("Detection limit", "limit, unit or method of the laboratory"),
        ("LOD", "limit, unit or method of the laboratory"),
        ("white reference", "reference panel"),
        ("WR_001", "reference panel"),
    ],
)
def test_rows_of_the_laboratory_are_no_samples(name, why):
    assert no_sample(name) == why


@pytest.mark.parametrize(
    "name",
    [
        "S014",
        "Blankenberg 3",
        "sub 1.10",
        "Standford-1",
        "DUPONT 2",
        "WRT-5",
        "L12",
        "Unity",
        "Control 3",
        "Limit Creek 4",
        "white 2",
    ],
)
def test_names_of_samples_are_not_taken_for_those_of_the_laboratory(name):
    assert no_sample(name) == ""


def test_names_tell_sample_and_replicate():
    assert samples_of(["S1_1", "S1_2", "S2_r3", "S 3"]) == ["S1", "S1", "S2", "S 3"]
    assert samples_of(["sub_1", "sub_2"], known=["sub_1", "sub_2"]) == ["sub_1", "sub_2"]
    assert samples_of(["s1 _2", "S1-a"], "<sample>-<replicate>", ["S1"]) == ["s1 _2", "S1"]
    assert samples_of(["S1_1", "s11_2", "SUB 1"], known=["S1", "S11", "sub_1"]) == [
        "S1",
        "S11",
        "sub_1",
    ]
    assert samples_of(["S1_1"], "") == ["S1_1"]
    with pytest.raises(InputError, match="<replicate> once each"):
        compile_pattern("<sample>")


def write(path, values, grid, names=None):
    names = names or [f"S{n + 1}" for n in range(len(values))]
    write_library(path, SpectralLibrary(tuple(names), values, grid))
    return str(path)


def test_spectra_that_cannot_be_used_are_left_out_with_the_reason(tmp_path):
    values = soils(6).values
    values[0, 300:600] = -0.01
    values[1, 800:1100] = 1.3
    values[2, 500:560] = values[2].max() * 2.4
    values[3, 700:705] = np.nan
    names = ["S1", "S2", "S3", "S4", "S5", "white reference"]
    path = write(tmp_path / "spectra.csv", values, GRID, names)
    read = read_spectra(path, pattern="", wanted=(400, 2400))
    assert read.names == ("S5",)
    reasons = dict(read.excluded)
    assert "negative" in reasons["S1"]
    assert "above 1" in reasons["S2"]
    assert "saturated" in reasons["S3"]
    assert "missing" in reasons["S4"]
    assert "panel" in reasons["white reference"]
    assert read.spectra.wavelengths[[0, -1]].tolist() == [400, 2400]


def test_noise_outside_the_wanted_range_leaves_nothing_out(tmp_path):
    values = soils(2).values
    values[:, GRID < 390] = -0.2
    path = write(tmp_path / "spectra.csv", values, GRID)
    assert len(read_spectra(path, pattern="", wanted=(400, 2400))) == 2
    with pytest.raises(InputError, match=r"S1, is left out because: .*negative"):
        read_spectra(path, pattern="", wanted=(350, 500))


def test_replicates_are_averaged_in_the_order_of_their_samples(tmp_path):
    values = soils(3).values
    path = write(tmp_path / "spectra.csv", values, GRID, ["S2_1", "S1_1", "S2_2"])
    mean = read_spectra(path, pattern="<sample>_<replicate>").averaged()
    assert mean.samples == ("S2", "S1")
    assert mean.replicates == (2, 1)
    np.testing.assert_allclose(mean.spectra.values[0], values[[0, 2]].mean(axis=0), atol=1e-9)


def test_another_grid_is_resampled_and_a_narrower_one_refused(tmp_path):
    grid = np.arange(400.0, 2401.0)
    coarse = np.arange(396.0, 2410.0, 3.5)
    path = write(tmp_path / "coarse.csv", soils(2, grid=coarse).values, coarse)
    read = read_spectra(path, pattern="", grid=grid)
    expected = soils(2, grid=grid).values
    np.testing.assert_array_equal(read.spectra.wavelengths, grid)
    assert np.abs(read.spectra.values - expected).max() < 0.01
    narrow = write(tmp_path / "narrow.csv", soils(2).values[:, 650:], GRID[650:])
    with pytest.raises(BandMismatchError, match=r"400 to 2400 nm\. Available: .*1000 to 2500"):
        read_spectra(narrow, pattern="", grid=grid)
    micrometres = write(tmp_path / "unit.csv", soils(2).values, GRID * 10)
    with pytest.raises(InputError, match="unit of the wavelengths"):
        read_spectra(micrometres, pattern="", wanted=(400, 2400))
