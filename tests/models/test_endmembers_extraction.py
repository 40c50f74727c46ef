"""Whole extractions from arrays: workflows, selection, spatial filter, repeatability, bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.spectra import SpectralLibrary, resample, spectral_angle
from gossan.models.endmembers.candidates import Candidate
from gossan.models.endmembers.extraction import extract
from gossan.models.endmembers.options import BANDS, BY_SNR, WORKFLOWS, ExtractionOptions
from gossan.models.endmembers.parametric import MATERIALS
from gossan.models.endmembers.priors import PriorSearch, parametric_priors
from gossan.models.endmembers.scene import ArrayScene
from gossan.models.endmembers.selection import group_priors, purest, purest_per_class, top_k

NM = np.arange(400.0, 2450.0, 20.0)
GROUND = {
    "broadleaf forest": "vegetation",
    "loam": "bare soil",
    "gossan, goethite": "mining soil",
    "grey tailings": "tailings",
    "sheet metal roof": "built-up",
}
PURE = np.array([MATERIALS[name].spectrum(NM) for name in GROUND])


def image(seed=0, noise=0.0005):
    """Return mixtures (30, 40, bands) with a pure 3 x 3 patch of each material on the diagonal."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(len(PURE), 0.8), (30, 40)) * 0.85 + 0.15 / len(PURE)
    for index in range(len(PURE)):
        shares[patch(index)] = np.eye(len(PURE))[index]
    spectra = shares @ PURE
    return spectra + rng.normal(0, noise, spectra.shape)


def patch(index):
    return slice(5 * index + 1, 5 * index + 4), slice(7 * index + 1, 7 * index + 4)


def in_patches(found):
    """Return for each endmember the patch it comes from, -1 for none."""
    result = []
    for row, column in zip(found.rows, found.columns):
        inside = [
            index
            for index in range(len(PURE))
            if 5 * index < row < 5 * index + 4 and 7 * index < column < 7 * index + 4
        ]
        result.append(inside[0] if inside else -1)
    return result


PRIORS = parametric_priors()
PRESENT = PRIORS.subset([group in GROUND.values() for group in PRIORS.classes])


@pytest.mark.parametrize("workflow", WORKFLOWS)
@pytest.mark.parametrize("space", ["components", "bands"])
def test_every_workflow_finds_the_pure_patches(workflow, space):
    options = ExtractionOptions(workflow=workflow, space=space, endmembers=5, skewers=2000)
    found = extract(image(), NM, options, priors=PRESENT)
    assert sorted(in_patches(found)) == [0, 1, 2, 3, 4]
    assert len(set(found.names)) == len(found) == 5
    angles = spectral_angle(PURE, found.spectra).min(axis=1)
    assert angles.max() < 0.02
    assert (found.purity > 0.95).all()


@pytest.mark.parametrize("workflow", ["PCCEE", "prior", "PPI+prior", "VCA+prior"])
def test_priors_give_each_class_its_own_endmember(workflow):
    found = extract(image(), NM, ExtractionOptions(workflow=workflow), priors=PRESENT)
    groups = list(GROUND.values())
    assert dict(zip(found.classes, in_patches(found))) == {g: groups.index(g) for g in groups}
    assert found.names == found.classes
    assert (found.angles < 0.05).all()


def test_sources_tell_all_methods_that_propose_a_pixel():
    found = extract(image(), NM, ExtractionOptions(), priors=PRESENT)
    methods = {method for source in found.sources for method in source.split("+")}
    assert methods <= {"PPI", "VCA", "prior"}
    assert "PPI" in methods


@pytest.mark.parametrize("workflow", ["PPI", "VCA", "PCCEE"])
def test_the_same_seed_repeats_and_another_may_differ(workflow):
    options = ExtractionOptions(workflow=workflow, seed=7, skewers=300)
    first, again = (extract(image(3), NM, options, priors=PRESENT) for _ in range(2))
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_array_equal(first.columns, again.columns)
    np.testing.assert_array_equal(first.spectra, again.spectra)
    np.testing.assert_array_equal(first.purity, again.purity)
    other = extract(
        image(3), NM, ExtractionOptions(workflow=workflow, seed=8, skewers=300), priors=PRESENT
    )
    assert other.hits.tolist() != first.hits.tolist()


def test_a_lone_hot_pixel_is_rejected_and_listed():
    spectra = image()
    spectra[20, 5] = MATERIALS["clear water"].spectrum(NM) * 12
    options = ExtractionOptions(workflow="PPI", endmembers=6)
    found = extract(spectra, NM, options)
    assert (20, 5) not in zip(found.rows.tolist(), found.columns.tolist())
    (entry,) = [r for r in found.rejected if (r.candidate.row, r.candidate.column) == (20, 5)]
    assert "stands alone" in entry.reason
    kept = extract(
        spectra, NM, ExtractionOptions(workflow="PPI", endmembers=6, neighbour_angle=0.0)
    )
    assert (20, 5) in zip(kept.rows.tolist(), kept.columns.tolist())


def test_a_hot_pixel_whose_neighbours_are_nodata_stands_alone():
    spectra = image()
    spectra[19:22, 4:7] = np.nan
    spectra[20, 5] = MATERIALS["clear water"].spectrum(NM) * 12
    found = extract(spectra, NM, ExtractionOptions(workflow="PPI"))
    reasons = {(r.candidate.row, r.candidate.column): r.reason for r in found.rejected}
    assert reasons[20, 5] == "stands alone: no valid neighbour"


def test_endmembers_differ_from_each_other():
    found = extract(image(), NM, ExtractionOptions(workflow="PPI+VCA", distinct_angle=0.05))
    angles = spectral_angle(found.spectra, found.spectra)
    assert angles[np.triu_indices(len(found), 1)].min() >= 0.05


def test_masked_and_missing_pixels_are_never_endmembers():
    spectra = image()
    spectra[patch(0)][..., 10] = np.nan
    mask = np.ones(spectra.shape[:2])
    mask[patch(1)] = 0
    spectra[patch(2)] = 0.0
    options = ExtractionOptions(workflow="PPI+VCA", neighbour_angle=0)
    found = extract(spectra, NM, options, mask=mask)
    assert found.pixels == 30 * 40 - 27
    assert not {0, 1, 2} & set(in_patches(found))


def test_pixels_without_an_image_are_searched_without_the_spatial_filter():
    spectra = image().reshape(-1, NM.size)
    flat = extract(spectra, NM, ExtractionOptions(workflow="PPI", endmembers=5))
    assert (flat.columns == 0).all()
    np.testing.assert_allclose(flat.spectra, spectra[flat.rows], atol=1e-7)


def test_more_endmembers_than_classes_adds_the_purest_of_the_others():
    two = PRIORS.subset([group in ("vegetation", "bare soil") for group in PRIORS.classes])
    found = extract(image(), NM, ExtractionOptions(endmembers=5), priors=two)
    assert sorted(in_patches(found)) == [0, 1, 2, 3, 4]


def test_fewer_endmembers_than_classes_keeps_the_classes_that_fit_best():
    found = extract(image(), NM, ExtractionOptions(endmembers=2), priors=PRESENT)
    best = sorted(found.prior_classes, key=lambda entry: entry[1])[:2]
    assert set(found.classes) == {name for name, _ in best}


def test_an_absent_class_gets_no_endmember_and_is_named():
    found = extract(image(), NM, ExtractionOptions(absent_angle=0.05), priors=PRIORS)
    assert "water" not in found.classes
    assert any("water" in note for note in found.notes)


def test_top_k_may_take_one_class_several_times():
    options = ExtractionOptions(selection="top-k")
    found = extract(image(), NM, options, priors=PRESENT)
    assert len(found) == 4
    least = spectral_angle(found.spectra, resample(PRESENT, NM).spectra).min(axis=1)
    np.testing.assert_allclose(found.angles, least)
    assert (np.diff(found.angles) >= 0).all()


def candidate(position, purity, angles, spectrum=None):
    rng = np.random.default_rng(position)
    spectrum = rng.uniform(0, 1, 20) if spectrum is None else spectrum
    return Candidate(position, 0, position, spectrum, "PPI", purity, 0, np.array(angles))


def test_purest_per_class_prefers_purity_only_near_the_class():
    near, pure, far = (
        candidate(0, 0.4, [0.02, 0.5]),
        candidate(1, 0.9, [0.06, 0.5]),
        candidate(2, 1.0, [0.09, 0.5]),
    )
    other = candidate(3, 0.2, [0.6, 0.1])
    priors = group_priors(["a", "b"], np.array([0.02, 0.1]), np.array([0, 3]))
    rules = {"number": 0, "class_angle": 0.05, "distinct_angle": 0.01, "absent_angle": 1.0}
    chosen, rejected = purest_per_class([near, pure, far, other], priors, **rules)
    assert [(c.candidate.position, c.group) for c in chosen] == [(1, "a"), (3, "b")]
    reasons = {r.candidate.position: r.reason for r in rejected}
    assert reasons[0] == "less pure than the endmember of a"
    assert "0.070 rad farther" in reasons[2]


def test_two_classes_never_share_a_pixel():
    only = candidate(0, 1.0, [0.02, 0.03])
    priors = group_priors(["a", "b"], np.array([0.02, 0.03]), np.array([0, 0]))
    rules = {"number": 0, "class_angle": 0.05, "distinct_angle": 0.01, "absent_angle": 1.0}
    chosen, _ = purest_per_class([only], priors, **rules)
    assert [entry.group for entry in chosen] == ["a"]


def test_top_k_ranks_by_the_least_angle_to_any_prior():
    members = [candidate(i, 1.0, angles) for i, angles in enumerate([[0.3, 0.2], [0.1, 0.9]])]
    priors = group_priors(["a", "b"], np.array([0.1, 0.2]), np.array([1, 0]))
    chosen, rejected = top_k(members, priors, number=1)
    assert [entry.candidate.position for entry in chosen] == [1]
    assert [entry.candidate.position for entry in rejected] == [0]


def test_without_priors_the_purest_come_first():
    members = [candidate(i, purity, []) for i, purity in enumerate([0.2, 0.9, 0.5])]
    chosen, rejected = purest(members, None, number=2, distinct_angle=0.0)
    assert [entry.candidate.position for entry in chosen] == [1, 2]
    assert rejected[0].reason == "not among the 2 purest"


def test_the_pixel_nearest_to_a_prior_is_that_of_a_float64_search():
    rng = np.random.default_rng(1)
    spectra = image(5).astype(np.float32)
    priors = PURE + rng.normal(0, 0.01, PURE.shape)
    search = PriorSearch(priors)
    ArrayScene(spectra, NM).scan([search], Progress())
    angles = spectral_angle(spectra.reshape(-1, NM.size).astype(float), priors)
    matches = search.matches()
    np.testing.assert_array_equal(matches.positions, angles.argmin(axis=0))
    np.testing.assert_allclose(matches.angles, angles.min(axis=0), rtol=1e-12)


def test_the_library_keeps_names_classes_and_source_pixels():
    found = extract(image(), NM, ExtractionOptions(), priors=PRESENT)
    library = found.library()
    assert library.names == found.names
    assert library.classes == found.classes
    assert f"row {found.rows[0]}" in library.sources[0]
    np.testing.assert_array_equal(library.wavelengths, NM)


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_too_few_pixels_are_named(workflow):
    with pytest.raises(InputError, match=r"1 valid pixel.*fewer than the \d+ endmembers"):
        extract(image()[:1, :1], NM, ExtractionOptions(workflow=workflow), priors=PRESENT)


def test_all_nodata_is_named():
    with pytest.raises(InputError, match="no valid pixel"):
        extract(np.full((4, 5, NM.size), np.nan), NM, ExtractionOptions(), priors=PRESENT)


def test_a_constant_scene_is_named():
    flat = np.broadcast_to(PURE[0], (20, 20, NM.size)).copy()
    with pytest.raises(InputError, match="the same spectrum"):
        extract(flat, NM, ExtractionOptions(), priors=PRESENT)


def test_one_band_is_named():
    with pytest.raises(InputError, match="at least 2"):
        extract(image()[..., :1], NM[:1], ExtractionOptions(workflow="PPI"))


def test_two_bands_give_what_two_bands_can():
    found = extract(image()[..., [10, 60]], NM[[10, 60]], ExtractionOptions(workflow="VCA"))
    assert 2 <= len(found) <= 3


@pytest.mark.parametrize("workflow", ["PCCEE", "prior"])
def test_missing_priors_and_missing_wavelengths_are_named(workflow):
    options = ExtractionOptions(workflow=workflow)
    with pytest.raises(InputError, match="needs a prior library"):
        extract(image(), NM, options)
    with pytest.raises(InputError, match="wavelengths of the image are unknown"):
        extract(image(), None, options, priors=PRESENT)


def test_priors_of_another_range_are_named_and_harmless_where_not_needed():
    thermal = SpectralLibrary(("rock",), np.array([[0.9, 0.8]]), np.array([8000.0, 9000.0]))
    with pytest.raises(InputError, match=r"8000 to 9000 nm"):
        extract(image(), NM, ExtractionOptions(), priors=thermal)
    found = extract(image(), NM, ExtractionOptions(workflow="VCA"), priors=thermal)
    assert set(found.classes) == {""}
    assert any("no class" in note for note in found.notes)


def test_an_image_far_from_all_priors_is_named():
    with pytest.raises(InputError, match="No pixel comes within"):
        extract(image(), NM, ExtractionOptions(absent_angle=1e-6), priors=PRESENT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"workflow": "SMACC"}, "SMACC"),
        ({"space": "frequency"}, "frequency"),
        ({"selection": "best"}, "best"),
        ({"vca_projection": "none"}, "none"),
        ({"skewers": 0}, "skewers"),
        ({"endmembers": -1}, "endmembers"),
        ({"class_angle": float("nan")}, "class angle"),
        ({"seed": -1}, "seed"),
    ],
)
def test_options_out_of_range_are_named(wrong, message):
    with pytest.raises(InputError, match=message):
        ExtractionOptions(**wrong)


def test_bands_too_many_for_memory_are_read_again_with_the_same_result(monkeypatch):
    options = ExtractionOptions(workflow="VCA", space=BANDS, skewers=200)
    kept = extract(image(), NM, options)
    monkeypatch.setattr("gossan.models.endmembers.spaces.MEMORY_FOR_BANDS", 0)
    streamed = extract(image(), NM, options)
    np.testing.assert_array_equal(kept.rows, streamed.rows)
    np.testing.assert_array_equal(kept.hits, streamed.hits)


def test_more_endmembers_than_bands_are_projected_by_all_bands_and_nothing_else():
    spectra = image()[..., [10, 40, 60, 90]]
    options = ExtractionOptions("VCA", vca_projection=BY_SNR, endmembers=4, distinct_angle=0.0)
    four = extract(spectra, NM[[10, 40, 60, 90]], options)
    six = extract(spectra, NM[[10, 40, 60, 90]], replace(options, endmembers=6))
    found = set(zip(four.rows.tolist(), four.columns.tolist()))
    assert set(zip(six.rows.tolist(), six.columns.tolist())) == found
