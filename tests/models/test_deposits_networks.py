"""Networks on deposits: sizes, learning, baselines, model files, maps."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from landsat_scenes import askew, degrees_of, product, write_scene

from gossan.core.bands import Band
from gossan.core.errors import BundleError, CancelledError, InputError
from gossan.core.progress import Progress
from gossan.core.tables import write_table
from gossan.models.deposits.chip_files import (
    ABOUT,
    Chip,
    describe_chips,
    read_chips,
    write_chip,
)
from gossan.models.deposits.judging import scores
from gossan.models.deposits.learning_sets import batches, learning_set
from gossan.models.networks.options import TrainingOptions
from gossan.models.registry import load

SIZE = 16
pytest.importorskip("tensorflow")


def write_set(folder, textured, counts, locations, parts, *, seed=0, size=SIZE):
    """Write chips that are all equally bright; some have stripes. Return the index."""
    random = np.random.default_rng(seed)
    images = folder / "set_images"
    images.mkdir(parents=True)
    rows = []
    stripes = 0.2 * np.where(np.arange(size) % 2, 1.0, -1.0)[:, None] * np.ones((1, size))
    for i, striped in enumerate(textured):
        values = np.full((size, size), 0.5) + random.normal(0, 0.02, (size, size))
        if striped:
            values += stripes
        values += 0.5 - values.mean()
        write_chip(
            images / f"{i}.tif", values[..., None], np.ones((size, size), dtype=bool), ["B7"],
            transform=None, crs_wkt=None, tags={},
        )  # fmt: skip
        chip = Chip(
            f"set_images/{i}.tif", f"s{i}", locations[i], 0, 0, float(random.uniform(-9, 9)),
            float(random.uniform(-9, 9)), "LANDSAT_8", "", None, float(values.mean()), 1, 1.0,
            int(counts[i]), {"n_gold": int(counts[i] > 2)}, parts[i], True,
        )  # fmt: skip
        rows.append(chip.fields())
    about = describe_chips(
        size, [Band(0, "B7", 2201.0, 187.0)], "reflectance",
        {"method": "partition", "size": size, "downsampling": "area average", "least_valid": 0.5},
    )  # fmt: skip
    (images / ABOUT).write_text(about)
    write_table(folder / "set.csv", list(rows[0]), [list(row.values()) for row in rows])
    return str(folder / "set.csv")


@pytest.fixture(scope="module")
def striped(tmp_path_factory):
    """Index of chips whose stripes tell the number of deposits, at 20 places."""
    random = np.random.default_rng(5)
    textured = random.random(100) < 0.5
    places = [f"p{i % 20}" for i in range(100)]
    parts = ["validation" if i % 20 < 5 else "training" for i in range(100)]
    return write_set(
        tmp_path_factory.mktemp("striped"), textured, np.where(textured, 3, 0), places, parts
    )


def train(index, folder, progress=None, **options):
    given = {"epochs": 14, "patience": 0, "dropout": 0.1, "learning_rate": 0.003, **options}
    return load("deposits.train")(
        progress or Progress(), index=index, model=str(folder / "model.gossan"),
        table=str(folder / "runs.csv"), report=str(folder / "report.html"), **given,
    )  # fmt: skip


@pytest.fixture(scope="module")
def presence(striped, tmp_path_factory):
    folder = tmp_path_factory.mktemp("presence")
    return folder, train(striped, folder, goal="presence")


def test_the_nine_networks_have_the_weights_of_their_tables():
    from gossan.models.deposits.architecture import CONVOLUTION, DENSE, Architecture, build, grid
    from gossan.models.networks.weights import count_weights

    for each in grid(Architecture()):
        expected, before = 0, 2
        for filters in CONVOLUTION[each.convolution]:
            expected += 9 * before * filters + 4 * filters
            before = filters
        for units in (*DENSE[each.dense], 1):
            expected += before * units + units
            before = units
        model = build(each, 32, 2)
        seeds = sum(1 for weight in model.weights if "seed" in weight.path)
        assert count_weights(model) - seeds * 2 == expected, each.name
        dropouts = [layer.rate for layer in model.layers if "dropout" in layer.name]
        assert dropouts == [0.5] * (len(DENSE[each.dense]) + 1)
    assert len({each.name for each in grid(Architecture())}) == 9
    with pytest.raises(InputError, match="too small for 5 poolings"):
        build(Architecture("big"), 16, 1)


def test_penalties_add_the_sums_of_weights_to_the_loss():
    from gossan.models.deposits.architecture import Architecture, build

    model = build(Architecture(l1=0.01, l2=0.1), 8, 1)
    kernels = [
        w.numpy()
        for w in model.trainable_weights
        if w.path.endswith("kernel") and not w.path.startswith("output")
    ]
    expected = sum(0.01 * np.abs(k).sum() + 0.1 * np.square(k).sum() for k in kernels)
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_stripes_are_learnt_where_no_plain_guess_sees_them(presence):
    _, result = presence
    beside = [result[name] for name in ("randomised", "median", "brightness", "place")]
    assert result["score"] < 0.6 * min(beside)
    assert result["measures"]["accuracy"] > 0.85
    # What is shuffled, constant or of another cause cannot be better than a coin by much.
    assert min(beside) > 0.6
    assert result["median"] == pytest.approx(np.log(2), abs=0.05)


def test_the_table_names_every_run_and_what_it_stands_beside(presence):
    folder, result = presence
    rows = list(csv.DictReader((folder / "runs.csv").open()))
    assert [row["what"] for row in rows] == [
        "model (mean of the best)", "kept", "randomised labels", "median", "mean brightness",
        "latitude and longitude",
    ]  # fmt: skip
    assert float(rows[0]["validation cross-entropy"]) == pytest.approx(result["score"])
    page = (folder / "report.html").read_text()
    for words in ("Randomised labels", "Learning curves", "latitude and longitude"):
        assert words in page


def test_a_model_file_gives_the_predictions_of_its_training(presence, striped):
    from gossan.models.deposits.model_file import read_model

    folder, result = presence
    model = read_model(folder / "model.gossan")
    chips = read_chips(striped)
    data = learning_set(chips, "presence", "", 0)
    images = np.stack([chips.read(chips.chips[i]) for i in data.validation])
    predicted = model.predict(images).mean(axis=0)
    again = scores("presence", data.targets[data.validation], predicted)
    assert again["cross-entropy"] == pytest.approx(result["score"], rel=1e-4)
    assert (model.goal, model.options.size, model.scaling) == ("presence", SIZE, "reflectance")


def test_the_same_seed_trains_the_same_weights(striped):
    from gossan.models.deposits.architecture import Architecture
    from gossan.models.deposits.training import run

    chips = read_chips(striped)
    data = learning_set(chips, "presence", "", 0)
    options = TrainingOptions(epochs=1, seed=4)
    one, other = (
        run(chips, data, Architecture(), options, 16, Progress(), augment=True) for _ in range(2)
    )
    assert one.weights.keys() == other.weights.keys()
    for name, array in one.weights.items():
        assert np.array_equal(array, other.weights[name]), name
    assert np.array_equal(one.predicted, other.predicted)


def test_richness_keeps_its_greatest_logarithm_and_averages_the_best_few(striped, tmp_path):
    from gossan.models.deposits.model_file import read_model

    messages = []
    result = train(
        striped, tmp_path, Progress(on_message=messages.append), goal="richness", repeats=2, best=2,
        epochs=8, batch=8,
    )  # fmt: skip
    assert result["runs"] == 2
    assert result["score"] < 0.7 * min(result["randomised"], result["brightness"], result["place"])
    model = read_model(tmp_path / "model.gossan")
    assert len(model.networks) == 2
    assert model.greatest == pytest.approx(np.log(4))
    assert model.deposits(np.array([0.0, 1.0])) == pytest.approx([0.0, 3.0])
    assert any("randomised labels" in text for text in messages)


def test_the_grid_runs_all_nine_and_keeps_the_best_by_tuning(striped, tmp_path, monkeypatch):
    from gossan.models.deposits import training_jobs
    from gossan.models.deposits.architecture import Architecture, grid

    # One quick training stands for all: which is trained and chosen is what counts here.
    real = training_jobs.run
    small = Architecture("small", "small", 0.1)
    chips = read_chips(striped)
    like = real(
        chips,
        learning_set(chips, "richness", "", 0),
        small,
        TrainingOptions(epochs=1),
        64,
        Progress(),
        augment=False,
    )
    tuned = {each: 0.5 - 0.01 * (i * 4 % 9) for i, each in enumerate(grid(small))}
    asked = []

    def pretend(chips, data, architecture, options, batch, progress, *, augment):
        asked.append((architecture, options.seed))
        return replace(
            like, architecture=architecture, seed=options.seed, tuned=tuned[architecture]
        )

    monkeypatch.setattr(training_jobs, "run", pretend)
    result = train(striped, tmp_path, goal="richness", networks="grid of nine", repeats=2, best=3)
    best = min(tuned, key=tuned.get)
    assert asked == [*((each, seed) for each in grid(small) for seed in (0, 1)), (best, 0)]
    assert (result["runs"], result["network"]) == (18, best.name)
    rows = list(csv.DictReader((tmp_path / "runs.csv").open()))
    kept = [
        (row["convolution"], row["dense"], row["seed"]) for row in rows if row["what"] == "kept"
    ]
    second = sorted(tuned, key=tuned.get)[1]
    assert set(kept) == {
        (best.convolution, best.dense, "0"),
        (best.convolution, best.dense, "1"),
        (second.convolution, second.dense, "0"),
    }


def test_one_commodity_has_a_balanced_set_of_its_own(striped, tmp_path):
    chips = read_chips(striped)
    data = learning_set(chips, "presence", "Gold", 0)
    for part in (np.concatenate([data.learning, data.tuning]), data.validation):
        assert data.targets[part].mean() == 0.5
    with pytest.raises(InputError, match="no count of 'Tin'; they have those of gold"):
        train(striped, tmp_path, commodity="Tin")


def test_learning_tuning_and_validation_are_of_other_locations(striped):
    chips = read_chips(striped)
    data = learning_set(chips, "richness", "", 3)
    parts = (data.learning, data.tuning, data.validation)
    places = [{chips.chips[i].location for i in part} for part in parts]
    assert all(places)
    assert not places[0] & places[1]
    assert not (places[0] | places[1]) & places[2]
    shuffled = data.with_random_labels(1)
    assert np.array_equal(shuffled.targets[data.validation], data.targets[data.validation])
    assert sorted(shuffled.targets[data.learning]) == sorted(data.targets[data.learning])
    assert not np.array_equal(shuffled.targets[data.learning], data.targets[data.learning])


def test_batches_stream_every_chip_once_and_keep_the_targets(striped):
    chips = read_chips(striped)
    targets = np.arange(len(chips.chips), dtype=np.float32)
    members = np.arange(10, 37)
    give = batches(chips, members, targets, 8, 4, augment=True)
    for epoch in (0, 1, 2):
        seen = []
        for images, wanted, weights in give(epoch):
            assert images.shape[1:] == (SIZE, SIZE, 1)
            assert len(images) == len(wanted) == len(weights) <= 8
            for image, number in zip(images, wanted):
                own = chips.read(chips.chips[int(number)])
                # Turned or mirrored, a chip holds the same values.
                assert np.array_equal(np.sort(image.ravel()), np.sort(own.ravel()))
            seen += wanted.tolist()
        assert sorted(seen) == members.tolist()
        assert (seen == members.tolist()) == (epoch == 0)


@pytest.mark.parametrize(
    ("counts", "goal", "sentence"),
    [
        ([0] * 12, "presence", "both with and without"),
        ([2] * 12, "presence", "both with and without"),
        ([2] * 12, "richness", "no richness to learn"),
    ],
)
def test_sets_without_a_difference_are_refused(tmp_path, counts, goal, sentence):
    index = write_set(
        tmp_path / "set", [False] * 12, counts, [f"p{i % 4}" for i in range(12)],
        ["validation" if i % 4 == 0 else "training" for i in range(12)],
    )  # fmt: skip
    text = (tmp_path / "set" / "set.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    for row in rows:
        row["presence_set"] = "0"
    write_table(index, list(rows[0]), [list(row.values()) for row in rows])
    with pytest.raises(InputError, match=sentence):
        train(index, tmp_path, goal=goal)
    assert not (tmp_path / "model.gossan").exists()


def test_a_cancelled_training_leaves_nothing(striped, tmp_path):
    shares = []
    stopping = Progress(on_fraction=shares.append, cancelled=lambda: len(shares) > 2)
    with pytest.raises(CancelledError):
        train(striped, tmp_path, stopping)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_chip_or_description_is_named(striped, tmp_path):
    copy = tmp_path / "copy"
    copytree(Path(striped).parent, copy)
    (copy / "set_images" / "7.tif").unlink()
    with pytest.raises(Exception, match=r"7\.tif does not exist"):
        train(str(copy / "set.csv"), tmp_path, epochs=1)
    (copy / "set_images" / ABOUT).unlink()
    with pytest.raises(Exception, match=r"chips\.json is missing"):
        train(str(copy / "set.csv"), tmp_path)


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    """Scenes with a striped quarter each, the stripes known as deposits in some."""
    folder = tmp_path_factory.mktemp("country")
    random = np.random.default_rng(1)
    rows = ["name,longitude,latitude"]
    for number in range(6):
        left, side = 300_000.0 + 40_000.0 * number, 96
        values = random.normal(12_000, 200, (side, side))
        values[32:48, 32:48] += 2500 * np.where(np.arange(16) % 2, 1, -1)[:, None]
        values = np.where(askew(side), np.clip(values, 1, None), 0).astype(int)
        write_scene(
            folder / "scenes", product(130 - number, 41), values, path=130 - number, left=left
        )
        if number != 5:
            longitude, latitude = degrees_of(left, 3_100_000.0, 40, 40)
            rows.append(f"D{number},{longitude!r},{latitude!r}")
    (folder / "deposits.csv").write_text("\n".join(rows))
    labels, tables = str(folder / "labels.geojson"), [str(folder / "deposits.csv")]
    load("deposits.label")(
        Progress(), folder=str(folder / "scenes"), deposits=tables, output=labels
    )
    return folder, labels, tables


def test_prospects_are_ranked_where_no_deposit_is_known(country, presence, tmp_path):
    _, labels, tables = country
    model = str(presence[0] / "model.gossan")
    result = load("deposits.map")(
        Progress(), labels=labels, deposits=tables, model=model,
        output=str(tmp_path / "map.geojson"), table=str(tmp_path / "map.csv"),
        report=str(tmp_path / "map.html"),
    )  # fmt: skip
    rows = [f["properties"] for f in json.loads((tmp_path / "map.geojson").read_text())["features"]]
    assert len(rows) == result["footprints"]
    known = [row for row in rows if row["known"]]
    assert len(known) == 5
    assert all(row["prospect_rank"] is None for row in known)
    ranks = sorted(row["prospect_rank"] for row in rows if not row["known"])
    assert ranks == list(range(1, result["prospects"] + 1))
    best = [row["predicted"] for row in sorted(rows, key=lambda r: r["prospect_rank"] or 10**6)]
    assert best[: len(ranks)] == sorted(best[: len(ranks)], reverse=True)
    first = next(csv.DictReader((tmp_path / "map.csv").open()))
    assert first["prospect_rank"] == "1"
    assert rows[0]["GOSSAN_MODEL"]


def test_without_tables_all_are_ranked_and_that_is_said(country, presence, tmp_path):
    folder, _, _ = country
    messages = []
    result = load("deposits.map")(
        Progress(on_warning=messages.append), folder=str(folder / "scenes"),
        model=str(presence[0] / "model.gossan"), table=str(tmp_path / "map.csv"),
    )  # fmt: skip
    assert result["prospects"] == result["footprints"]
    assert any("nothing is known of these footprints" in text for text in messages)


def test_a_model_meets_no_scene_of_other_bands(tmp_path, presence, country):
    folder = tmp_path / "old"
    write_scene(folder, product(120, 41), np.where(askew(64), 9000, 0), path=120)
    for metadata in folder.rglob("*_MTL.txt"):
        metadata.write_text(metadata.read_text().replace("BAND_7", "BAND_5"))
    with pytest.raises(InputError, match="applied to no scene"):
        load("deposits.map")(
            Progress(), folder=str(folder), model=str(presence[0] / "model.gossan"),
            table=str(tmp_path / "t.csv"),
        )  # fmt: skip
    with pytest.raises(InputError, match="no scenes with images"):
        load("deposits.map")(
            Progress(), model=str(presence[0] / "model.gossan"), table=str(tmp_path / "t.csv")
        )


def test_a_damaged_card_is_refused(presence, tmp_path):
    from gossan.core.bundle import read_bundle, write_bundle

    bundle = read_bundle(presence[0] / "model.gossan")
    for change in ({"networks": []}, {"goal": "gold"}, {"greatest_log": "much"}):
        card = bundle.card.to_dict()
        card["architecture"] = {**card["architecture"], **change}
        write_bundle(tmp_path / "odd.gossan", card, arrays=bundle.arrays())
        from gossan.models.deposits.model_file import read_model

        with pytest.raises(BundleError, match=r"odd\.gossan"):
            read_model(tmp_path / "odd.gossan")
