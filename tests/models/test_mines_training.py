"""Training from chips: it learns, keeps sites apart, goes on after a stop, and teaches further."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mine_images import LEFT, scene, to_map, write_image, write_points
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from gossan.core.errors import BandMismatchError, CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.mines.batches import BALANCED, Batches, BatchOptions, class_weights
from gossan.models.mines.chips import CONTENTS
from gossan.models.mines.extraction import IMPACT, TILES
from gossan.models.mines.model_file import (
    DETECTOR_KIND,
    IMPACT_KIND,
    BandScaling,
    network_of,
    read_model,
    scaling_of,
)
from gossan.models.mines.training_chips import UNKNOWN, detector_chips, impact_chips
from gossan.models.mines.training_scores import scores_of
from gossan.models.mines.training_splits import BLOCKS, RANDOM, Validation, keep_apart, site_labels
from gossan.models.registry import load

pytest.importorskip("tensorflow")

extract, train_detector, train_impact = (
    load(f"mines.{name}") for name in ("extract_chips", "train_detector", "train_impact")
)
SITES = 6
CLASSES = ("high impact", "low impact", "no ore")
QUICK = {"epochs": 6, "folds": 2, "batch": 8, "learning_rate": 1e-3}


def impact_image(seed=0):
    """Return numbers whose level tells the class: columns of 60 pixels take turns."""
    random = np.random.default_rng(seed)
    numbers = random.integers(900, 1100, (200, 360, 2))
    for column in range(6):
        numbers[:, 60 * column : 60 * column + 60, 0] += 900 * (column % 3)
    return numbers.astype(np.uint16)


@pytest.fixture(scope="module")
def impact_folder(tmp_path_factory):
    """Impact chips of six sites, each with two chips of every class."""
    folder = tmp_path_factory.mktemp("impact")
    images, rows = [], []
    for site in range(SITES):
        left = LEFT + 20_000 * site
        images.append(write_image(folder / f"{site}.tif", impact_image(site), left=left))
        for column in range(6):
            for row in (40, 90, 140)[: 2 if column < 3 else 1]:
                place = to_map(row, 60 * column + 30, left)
                rows.append((*place, CLASSES[column % 3], f"site {site}"))
    points = write_points(folder / "points.csv", rows, ("class", "site"))
    extract(
        Progress(),
        images=images,
        points=[points] * SITES,
        class_field="class",
        group_field="site",
        kind=IMPACT,
        output=str(folder / "chips"),
    )
    return str(folder / "chips")


@pytest.fixture(scope="module")
def detector_folder(tmp_path_factory):
    """Detector chips of four images, a bright mine and three grounds without one in each."""
    folder = tmp_path_factory.mktemp("detector")
    images, rows = [], []
    for site in range(4):
        left = LEFT + 20_000 * site
        numbers, _ = scene(600, [(150, 150)], seed=site)
        images.append(write_image(folder / f"{site}.tif", numbers, left=left))
        rows += [(*to_map(150, 150, left), "mine"), (*to_map(153, 147, left), "mine")]
        rows += [(*to_map(r, c, left), "background") for r, c in ((150, 450), (450, 450))]
    points = write_points(folder / "points.csv", rows)
    extract(
        Progress(),
        images=images,
        points=[points] * 4,
        class_field="class",
        output=str(folder / "chips"),
    )
    return str(folder / "chips")


@pytest.fixture(scope="module")
def trained_impact(impact_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    curve = []
    result = train_impact(
        Progress(on_measures=lambda epoch, values: curve.append((epoch, dict(values)))),
        chips=[impact_folder],
        model=str(folder / "impact.gossan"),
        table=str(folder / "scores.csv"),
        report=str(folder / "report.html"),
        **QUICK,
    )
    return result, curve


def test_the_impact_classifier_learns_what_can_be_told_apart(trained_impact):
    result, curve = trained_impact
    assert result["f1"] > 0.9
    assert np.array(result["matrix"]).sum() == SITES * 9
    assert result["leaking"] == 0.0
    assert {"loss", "held_out_loss", "held_out_f1"} <= set(curve[0][1])
    assert len(curve) == QUICK["epochs"] * (QUICK["folds"] + 1)


def test_its_table_report_and_card_tell_the_same(trained_impact):
    result, _ = trained_impact
    with open(result["table"], encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pooled = [row for row in rows if row["part"] == "all folds"]
    assert np.mean([float(row["F1"]) for row in pooled]) == pytest.approx(result["f1"])
    assert len(rows) == 3 * (1 + QUICK["folds"])
    page = Path(result["report"]).read_text(encoding="utf-8")
    for words in ("Confusion matrix", "Learning curves", "2 folds of 6 groups", "B8"):
        assert words in page
    bundle = read_model(result["model"], IMPACT_KIND)
    assert bundle.fingerprint == result["fingerprint"]
    assert bundle.card.training.scores["f1"] == pytest.approx(result["f1"])
    assert bundle.card.ground_sampling_distance == pytest.approx(10.0)
    assert "6 groups" in bundle.card.training.split


def test_the_scaling_is_that_of_all_pixels_of_the_chips(trained_impact, impact_folder):
    result, _ = trained_impact
    chips = impact_chips([impact_folder], Progress())
    pixels = np.concatenate([chips.reflectance(i).reshape(-1, 2) for i in range(len(chips))])
    scaling = scaling_of(read_model(result["model"], IMPACT_KIND))
    np.testing.assert_allclose(scaling.mean, pixels.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(scaling.deviation, pixels.std(axis=0), rtol=1e-4)


def test_the_same_seed_gives_the_same_model(impact_folder, tmp_path):
    found = []
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        result = train_impact(
            Progress(),
            chips=[impact_folder],
            model=str(tmp_path / f"{name}.gossan"),
            validation="none",
            epochs=1,
            batch=54,
            seed=seed,
        )
        found.append(read_model(result["model"], IMPACT_KIND).arrays())
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    assert not np.array_equal(found[0]["classes/kernel"], found[2]["classes/kernel"])


def test_the_detector_learns_and_calls_the_inner_cell_of_its_chips(detector_folder, tmp_path):
    result = train_detector(
        Progress(),
        chips=[detector_folder],
        model=str(tmp_path / "detector.gossan"),
        validation="none",
        epochs=12,
        batch=4,
    )
    bundle = read_model(result["model"], DETECTOR_KIND)
    model, scaling = network_of(bundle), scaling_of(bundle)
    chips = detector_chips([detector_folder], Progress())
    for index, item in enumerate(chips.items):
        logits = model(scaling.apply(chips.reflectance(index))[None]).numpy()[0, 1, 1]
        assert (logits[1] > logits[0]) == (item.chip.klass == "mine")
    assert result["f1"] is None, "without validation nothing is known"
    assert "not validated" in result["validation"]


def test_a_detector_that_is_taught_further_keeps_its_scaling_and_says_what_it_was(
    detector_folder, tmp_path
):
    first = train_detector(
        Progress(),
        chips=[detector_folder],
        model=str(tmp_path / "first.gossan"),
        validation="none",
        epochs=1,
    )
    said, warned = [], []
    second = train_detector(
        Progress(on_message=said.append, on_warning=warned.append),
        chips=[detector_folder],
        base=first["model"],
        model=str(tmp_path / "second.gossan"),
        report=str(tmp_path / "report.html"),
        validation=RANDOM,
        folds=2,
        epochs=1,
    )
    assert any("a random split leaks" in text for text in warned)
    one, two = (read_model(each["model"], DETECTOR_KIND) for each in (first, second))
    assert one.card.scaling == two.card.scaling
    assert two.card.origin.model == first["fingerprint"]
    assert first["fingerprint"][:12] in two.card.training.how
    assert "0.0001" in two.card.training.how, "a lower learning rate"
    moved = max(np.abs(two.arrays()[name] - one.arrays()[name]).max() for name in one.arrays())
    assert 0 < moved < 0.01, "it starts from the weights of the first"
    assert any("scaling stays" in text for text in said)
    assert first["fingerprint"][:12] in (tmp_path / "report.html").read_text()


def test_a_stopped_training_goes_on_and_ends_as_if_nothing_had_happened(impact_folder, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    given = {"chips": [impact_folder], "epochs": 2, "folds": 2, "batch": 27, "seed": 3}
    whole = train_impact(Progress(), model=str(tmp_path / "whole.gossan"), **given)
    steps = []
    progress = Progress(
        on_measures=lambda epoch, _: steps.append(epoch), cancelled=lambda: len(steps) >= 3
    )
    with pytest.raises(CancelledError):
        train_impact(
            progress, model=str(tmp_path / "halves.gossan"), state_folder=str(state), **given
        )
    assert not (tmp_path / "halves.gossan").exists()
    assert len(os.listdir(state)) == 2, "one fold is done, another half"
    said = []
    again = train_impact(
        Progress(on_message=said.append),
        model=str(tmp_path / "halves.gossan"),
        state_folder=str(state),
        **given,
    )
    assert any("Fold 1 was done" in text for text in said)
    assert any("Going on after epoch 1" in text for text in said)
    assert os.listdir(state) == []
    one, two = (read_model(each["model"], IMPACT_KIND).arrays() for each in (whole, again))
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert whole["matrix"] == again["matrix"]


def test_a_state_of_other_chips_or_options_is_not_taken(impact_folder, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    given = {"chips": [impact_folder], "validation": "none", "state_folder": str(state)}
    steps = []
    progress = Progress(on_measures=lambda *_: steps.append(1), cancelled=lambda: len(steps) >= 1)
    with pytest.raises(CancelledError):
        train_impact(progress, model=str(tmp_path / "a.gossan"), epochs=2, **given)
    said = []
    train_impact(
        Progress(on_message=said.append),
        model=str(tmp_path / "b.gossan"),
        epochs=2,
        turns=False,
        **given,
    )
    assert not any("was done" in text or "Going on" in text for text in said)


def test_cancelled_without_a_state_folder_it_leaves_nothing(impact_folder, tmp_path):
    steps = []
    progress = Progress(on_measures=lambda *_: steps.append(1), cancelled=lambda: len(steps) >= 2)
    with pytest.raises(CancelledError):
        train_impact(
            progress,
            chips=[impact_folder],
            model=str(tmp_path / "a.gossan"),
            report=str(tmp_path / "a.html"),
            **QUICK,
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("output", ["model", "table", "report"])
def test_the_table_of_the_chips_is_never_overwritten(impact_folder, tmp_path, output):
    table = Path(impact_folder) / "chips.csv"
    before = table.read_bytes()
    given = {"model": str(tmp_path / "a.gossan"), output: str(table)}
    for train in (train_impact, train_detector):
        with pytest.raises(InputError, match=r"would overwrite the input .*chips\.csv \(chips\)"):
            train(Progress(), chips=[impact_folder], epochs=1, validation="none", **given)
    assert table.read_bytes() == before


# How chips are kept apart


@settings(max_examples=100, deadline=None)
@given(
    places=st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=30, unique=True
    ),
    names=st.lists(st.sampled_from(["", "A", "B", "C"]), min_size=30, max_size=30),
    reach=st.floats(0.5, 12.0),
)
def test_chips_of_one_site_or_within_reach_share_a_group(places, names, reach):
    places, names = np.array(places, dtype=float), names[: len(places)]
    labels = site_labels(names, places, reach)
    count = len(places)
    # Reference: labels flow along all pairs until nothing changes.
    joined = np.arange(count)
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= reach
    same = np.array([[a == b != "" for b in names] for a in names])
    for _ in range(count):
        for i in range(count):
            joined[i] = joined[near[i] | same[i]].min()
    assert [(a == b) for a in labels for b in labels] == [(a == b) for a in joined for b in joined]


def test_no_group_is_on_both_sides_of_a_fold(impact_folder):
    chips = impact_chips([impact_folder], Progress())
    kept = keep_apart(chips, Validation(folds=3))
    sites = np.array([item.chip.group for item in chips.items])
    for train, test in kept.splits:
        assert not set(sites[train]) & set(sites[test])
    assert kept.groups == SITES
    assert sorted(np.concatenate([test for _, test in kept.splits])) == list(range(len(chips)))


def test_the_share_of_overlapping_chips_of_a_random_split_is_counted(detector_folder):
    chips = detector_chips([detector_folder], Progress())
    assert keep_apart(chips, Validation(folds=2)).leaking == 0.0
    random = keep_apart(chips, Validation(RANDOM, folds=4))
    shared = 0
    for train, test in random.splits:
        for one in test:
            a = chips.items[one].chip
            shared += any(
                abs(a.x - b.x) < 2430 and abs(a.y - b.y) < 2430
                for b in (chips.items[other].chip for other in train)
            )
    assert random.leaking == pytest.approx(shared / len(chips))
    assert random.leaking > 0


def test_spatial_blocks_are_offered(impact_folder):
    chips = impact_chips([impact_folder], Progress())
    kept = keep_apart(chips, Validation(BLOCKS, folds=3, distance=10_000.0))
    assert len(kept.splits) == 3
    assert kept.leaking == 0.0


# Scores


def test_scores_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    mine = np.clip(0.5 * truth + random.normal(0.3, 0.25, 200), 0, 1)
    scores = scores_of(truth, np.column_stack([1 - mine, mine]), ("background", "mine"), 0.6)
    called = mine >= 0.6
    assert scores.headline == pytest.approx(
        {
            "f1": f1_score(truth, called),
            "precision": precision_score(truth, called),
            "recall": recall_score(truth, called),
        }
    )
    assert scores.roc_auc == pytest.approx(roc_auc_score(truth, mine))


# Batches


def test_turning_a_tile_turns_its_cells_with_it(tmp_path):
    numbers, mask = scene(400, [(200, 120)], radius=30)
    image = write_image(tmp_path / "scene.tif", numbers)
    mask_path = write_image(tmp_path / "mask.tif", mask[..., None], bands=["m"], centres=None)
    extract(
        Progress(),
        images=[image],
        masks=[mask_path],
        kind=TILES,
        tile_size=378,
        output=str(tmp_path / "chips"),
    )
    chips = detector_chips([str(tmp_path / "chips")], Progress())
    scaling = BandScaling(np.zeros(2), np.ones(2))
    chosen = np.arange(1)
    seen = set()
    for epoch in range(1, 25):
        batches = Batches(chips, chosen, scaling, BatchOptions(seed=1))
        ((images, targets, weights),) = batches.learning(epoch)
        cells = np.argwhere((targets[0] == 1) & (weights[0] > 0))
        seen.add(tuple(cells.mean(axis=0).round(3)))
        for row, column in cells:
            here = images[0, 81 + 27 * row : 108 + 27 * row, 81 + 27 * column : 108 + 27 * column]
            assert (here[..., 0] > 0.2).mean() >= 0.3, "the cell that is called mine is bright"
    assert len(seen) >= 3
    assert (chips.items[0].classes == UNKNOWN).any()


def test_balanced_batches_draw_every_class_equally_often(detector_folder):
    chips = detector_chips([detector_folder], Progress())
    mines = [i for i, item in enumerate(chips.items) if item.chip.klass == "mine"]
    chosen = np.array([*mines[:1], *(i for i in range(len(chips)) if i not in mines)])
    scaling = BandScaling(np.zeros(2), np.ones(2))
    drawn = [0, 0]
    for _, targets, weights in Batches(
        chips, chosen, scaling, BatchOptions(size=4, balance=BALANCED)
    ).learning(1):
        counted = targets[weights > 0]
        drawn[0] += int((counted == 0).sum())
        drawn[1] += int((counted == 1).sum())
    assert drawn[0] == drawn[1] > 0


def test_rare_classes_count_more(detector_folder):
    chips = detector_chips([detector_folder], Progress())
    mines = [i for i, item in enumerate(chips.items) if item.chip.klass == "mine"]
    others = [i for i in range(len(chips)) if i not in mines]
    weights = class_weights(chips, np.array([*mines[:2], *others[:8]]), "weights")
    assert weights == pytest.approx([1.0, 2.0])


def test_missing_pixels_count_as_the_mean(tmp_path):
    numbers, _ = scene(300, [])
    numbers[150:155, 150:155] = 0
    image = write_image(tmp_path / "scene.tif", numbers)
    points = write_points(
        tmp_path / "points.csv", [(*to_map(150, 150), "mine"), (*to_map(160, 140), "background")]
    )
    extract(
        Progress(), images=[image], points=[points], class_field="class", output=str(tmp_path / "c")
    )
    chips = detector_chips([str(tmp_path / "c")], Progress())
    options = BatchOptions(appearance=0.3)
    scaling = BandScaling(np.full(2, 0.05), np.full(2, 0.02))
    for images, _, _ in Batches(chips, np.arange(2), scaling, options).learning(1):
        assert np.isfinite(images).all()
        assert ((images == 0).all(axis=-1).sum(axis=(1, 2)) == 25).all()


# Bad input


def copied(source, target, change):
    """Copy a folder of chips and change its table line by line."""
    target.mkdir()
    for name in sorted(CONTENTS & set(os.listdir(source))):
        if name != "chips.csv":
            os.symlink(os.path.join(source, name), target / name)
    with open(os.path.join(source, "chips.csv"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    (target / "chips.csv").write_text("\n".join([lines[0], *change(lines[1:])]) + "\n")
    return str(target)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda rows: [r for r in rows if "no ore" in r], r"one class only \(no ore\)"),
        (lambda rows: [rows[0].replace("high impact", "tin"), *rows[1:]], "of the class 'tin'"),
        (lambda rows: [rows[0].replace(",21,", ",243,"), *rows[1:]], "needs chips of 21"),
        (lambda rows: [rows[0].replace("000001", "999999"), *rows[1:]], "999999.tif does not"),
        (lambda rows: rows[:4], "too few|Too few"),
    ],
)
def test_bad_chips_are_named_and_leave_nothing(impact_folder, tmp_path, change, sentence):
    folder = copied(impact_folder, tmp_path / "chips", change)
    with pytest.raises((InputError, FileError), match=sentence):
        train_impact(Progress(), chips=[folder], model=str(tmp_path / "model.gossan"), **QUICK)
    assert os.listdir(tmp_path) == ["chips"]


def test_impact_chips_do_not_teach_the_detector(impact_folder, tmp_path):
    with pytest.raises(InputError, match="Impact chips teach the impact classifier"):
        train_detector(Progress(), chips=[impact_folder], model=str(tmp_path / "model.gossan"))


def test_chips_of_other_bands_are_named(impact_folder, trained_impact, tmp_path):
    numbers = np.random.default_rng(0).integers(900, 1100, (200, 200, 1)).astype(np.uint16)
    image = write_image(tmp_path / "one.tif", numbers, bands=["B4"], centres=[664.6])
    points = write_points(tmp_path / "points.csv", [(*to_map(100, 100), "no ore")])
    extract(
        Progress(),
        images=[image],
        points=[points],
        class_field="class",
        kind=IMPACT,
        output=str(tmp_path / "chips"),
    )
    model = str(tmp_path / "model.gossan")
    folders = [impact_folder, str(tmp_path / "chips")]
    with pytest.raises(BandMismatchError, match=r"chips/000001.tif.*B8"):
        train_impact(Progress(), chips=folders, model=model)
    base = trained_impact[0]["model"]
    with pytest.raises(BandMismatchError, match="B8"):
        train_impact(Progress(), chips=[str(tmp_path / "chips")], base=base, model=model)


def test_a_fold_without_a_class_to_learn_is_refused(impact_folder, tmp_path):
    def one_site_each(rows):
        wanted = {"site 0": "high impact", "site 1": "no ore"}
        return [r for r in rows for site, klass in wanted.items() if site in r and klass in r]

    folder = copied(impact_folder, tmp_path / "chips", one_site_each)
    with pytest.raises(InputError, match="one class only to learn from"):
        train_impact(
            Progress(), chips=[folder], model=str(tmp_path / "model.gossan"), folds=2, epochs=1
        )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"validation": "hope"}, "Unknown validation 'hope'"),
        ({"balance": "hope"}, "Unknown balance 'hope'"),
        ({"epochs": 0}, "0 epochs"),
        ({"chips": []}, "No chips were given"),
        ({"appearance": 3.0}, "not 0 to 1"),
        ({"state_folder": "/nowhere"}, "/nowhere .* does not exist"),
        ({"base": "chips"}, "cannot be read|damaged|not a model"),
    ],
)
def test_bad_options_get_one_clear_sentence(impact_folder, tmp_path, change, sentence):
    if "base" in change:
        change = {"base": os.path.join(impact_folder, "chips.csv")}
    given = {"chips": [impact_folder], "model": str(tmp_path / "model.gossan"), **change}
    with pytest.raises((InputError, FileError), match=sentence):
        train_impact(Progress(), **given)
    assert os.listdir(tmp_path) == []
