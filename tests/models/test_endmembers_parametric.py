"""Spectra from absorption models, and the prior library that ships."""

from __future__ import annotations

import numpy as np
import pytest

from gossan.core.spectra import read_library
from gossan.models.endmembers.parametric import (
    MATERIALS,
    Absorption,
    deepened,
    reflectance,
    spectrum,
)
from gossan.models.endmembers.priors import (
    PRIOR_CLASSES,
    PRIOR_LIBRARY,
    parametric_priors,
    read_priors,
    write_prior_library,
)

FLAT = ((350.0, 0.5), (2500.0, 0.5))


def test_an_absorption_is_gaussian_in_the_logarithm():
    nm = np.array([2140.0, 2170.0, 2200.0])
    got = reflectance(nm, FLAT, [Absorption(2200, 30, 0.4)])
    expected = 0.5 * np.exp(-0.4 * np.exp(-0.5 * np.array([2.0, 1.0, 0.0]) ** 2))
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_the_continuum_passes_through_its_knots_and_stays_level_outside():
    knots = ((500.0, 0.1), (1000.0, 0.3), (2000.0, 0.2))
    got = reflectance([300, 500, 1000, 2000, 2600], knots)
    np.testing.assert_allclose(got, [0.1, 0.1, 0.3, 0.2, 0.2])


def test_every_material_reflects_between_nothing_and_all():
    nm = np.arange(350.0, 2501.0)
    for material in MATERIALS.values():
        values = material.spectrum(nm)
        assert values.min() > 0, material.name
        assert values.max() < 1, material.name


@pytest.mark.parametrize(
    ("name", "centre"),
    [
        ("gossan, goethite", 920),
        ("gossan, hematite", 865),
        ("argillic alteration", 2207),
        ("alunite alteration", 2168),
        ("calcareous soil", 2340),
        ("broadleaf forest", 680),
        ("straw", 2100),
    ],
)
def test_materials_absorb_where_they_should(name, centre):
    nm = np.arange(centre - 60.0, centre + 61.0)
    values = spectrum(name, nm)
    line = np.interp(nm, [nm[0], nm[-1]], [values[0], values[-1]])
    deepest = nm[(values / line).argmin()]
    assert abs(deepest - centre) <= 25


def test_vegetation_has_a_red_edge():
    red, infrared = spectrum("green grass", [670, 800])
    assert infrared > 5 * red


def test_a_variety_keeps_its_shape_but_not_its_brightness():
    soil = MATERIALS["loam"]
    nm = np.arange(400.0, 2400.0, 10)
    darker = soil.varied(brightness=0.5).spectrum(nm)
    np.testing.assert_allclose(darker, 0.5 * soil.spectrum(nm), rtol=1e-9)
    assert deepened(soil.absorptions, 2.0)[0].depth == 2 * soil.absorptions[0].depth


def test_the_library_that_ships_is_the_one_the_code_makes(tmp_path):
    write_prior_library(tmp_path / "made.csv")
    assert (tmp_path / "made.csv").read_bytes() == PRIOR_LIBRARY.read_bytes()


def test_the_library_that_ships_holds_every_class_and_is_small():
    shipped = read_library(PRIOR_LIBRARY)
    assert set(shipped.classes) == set(PRIOR_CLASSES)
    assert shipped.wavelengths[[0, -1]].tolist() == [350.0, 2500.0]
    assert PRIOR_LIBRARY.stat().st_size < 200_000
    np.testing.assert_allclose(shipped.spectra, parametric_priors().spectra, atol=1e-9)


def test_priors_without_a_class_make_one_of_their_own(tmp_path):
    path = tmp_path / "bare.csv"
    path.write_text("name,500,600,700\nquartz,0.4,0.5,0.6\nmud,0.1,0.2,0.2\n")
    assert read_priors(str(path)).classes == ("quartz", "mud")
