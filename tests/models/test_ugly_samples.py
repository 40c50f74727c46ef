"""Sample tables as people have them: understood, or refused with file, row and field."""

from __future__ import annotations

import math
import warnings

import pytest

from gossan.core.errors import FileError, InputError
from gossan.core.progress import Progress
from gossan.models.registry import load


@pytest.fixture
def table(small_world, tmp_path):
    """Write a table made from the good one by a change of each row."""

    def make(change=None, *, header="fid,x,y,Pb,As", encoding="utf-8", rows=None):
        chosen = list(small_world.rows) if rows is None else rows
        if change is not None:
            chosen = [change(number, row.split(",")) for number, row in enumerate(chosen)]
        path = tmp_path / "soils.csv"
        path.write_bytes("\n".join([header, *chosen]).encode(encoding))
        return str(path)

    return make


@pytest.fixture
def train(small_world):
    """Train quickly; gives the result and what was said."""

    def run(samples, **changes):
        said = []
        options = {
            "features": [small_world.features],
            "elements": ["Pb", "As"],
            "trees": 3,
            "validation": "k-fold",
            "folds": 2,
            **changes,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            progress = Progress(on_message=said.append, on_warning=said.append)
            return load("metals.train")(progress, samples=samples, **options), said

    return run


def _pb(value):
    def change(number, row):
        row[3] = value(number) if callable(value) else value
        return ",".join(row)

    return change


def test_latin_1_with_semicolons_and_decimal_commas_gives_the_same_scores(table, train):
    expected, _ = train(table())
    semicolons = table(
        lambda _, row: ";".join(row).replace(".", ","),
        header="fid;x;y;Pb;Arsénic",
        encoding="latin-1",
    )
    got, _ = train(semicolons, elements=["Pb", "Arsénic"])
    assert [row["r2"] for row in got["scores"]] == [row["r2"] for row in expected["scores"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_tables_from_spreadsheets_are_read_whatever_their_encoding(table, train, encoding):
    header = "fid,x,y,Pb,As"
    if encoding == "utf-16-le":
        header = "\ufeff" + header
    result, _ = train(table(header=header, encoding=encoding))
    assert result["samples"] == 60


def test_censored_and_missing_values_are_counted(table, train):
    def change(number, row):
        row[3] = "<0.02" if number < 10 else ">4000" if number < 14 else row[3]
        row[4] = "n.d." if number in (20, 21, 22) else row[4]
        return ",".join(row)

    result, _ = train(table(change))
    lead, arsenic = result["scores"]
    assert (lead["below_detection"], lead["above_limit"], lead["n"]) == (10, 4, 60)
    assert (arsenic["below_detection"], arsenic["n"]) == (0, 57)


def test_points_off_the_image_and_doubles_are_counted_and_said(table, train, small_world):
    rows = list(small_world.rows)
    far = [f"far{n},{900_000 + n},{4_000_000},1,2" for n in range(5)]
    result, said = train(table(rows=[*rows, *rows[:7], *far, "lost,,,3,4"]))
    assert (result["samples"], result["excluded"]) == (60, 13)
    told = " ".join(said)
    assert "7 samples left out: averaged with another sample at the same place" in told
    assert "5 samples left out: off the raster" in told
    assert "1 samples left out: no coordinates" in told


def test_values_below_zero_are_doubted(table, train, small_world):
    samples = table(_pb(lambda n: "-9999" if n < 3 else str(10 + n)))
    _, said = train(samples)
    assert any("Pb: 3 values are below zero" in sentence for sentence in said)
    for name, inputs in (
        ("metals.assess", {"concentrations": small_world.metals}),
        ("metals.correlate", {}),
    ):
        said = []
        load(name)(
            Progress(on_warning=said.append), samples=samples, elements=["Pb", "As"], **inputs
        )
        assert any("Pb: 3 values are below zero" in sentence for sentence in said)


REFUSED = {
    "text": (_pb(lambda n: "lots" if n == 5 else "1"), r"Row 6 \(fid 5\) of soils.csv, field Pb"),
    "infinity": (_pb(lambda n: "inf" if n == 5 else "1"), r"Row 6 .*field Pb: 'inf'"),
    "filler": (_pb(lambda n: "-1.7e308" if n == 2 else "1"), r"Row 3 .*field Pb: '-1.7e308' is"),
    "all empty": (_pb(""), "Pb has 0 usable values"),
    "all alike": (_pb("7"), "Pb is 7 at all 60 samples"),
    "all below detection": (_pb("<0.02"), "Pb is 0.01 at all 60 samples"),
    "degrees and minutes": (
        lambda _, row: f"{row[0]},10°12'13\"W,5,1,2",
        "field x: '10°12.* is not a number",
    ),
    "a field too many": (lambda _, row: ",".join(row) + ",9", "Row 1 of soils.csv has 6 fields"),
    "no place": (lambda _, row: f"{row[0]},,,1,2", "no sample with coordinates"),
    "one place": (lambda n, row: f"{n},500015,3999985,{n},{row[4]}", "Pb has 1 usable value,"),
    "elsewhere": (
        lambda n, row: f"{n},{110 + n / 1e4},28,{n},{row[4]}",
        "None of the 60 samples lies on .*features.tif: .* Check the coordinate reference systems",
    ),
}


@pytest.mark.parametrize("ugly", REFUSED)
def test_what_cannot_be_used_is_named_with_row_and_field(table, train, ugly, tmp_path):
    change, sentence = REFUSED[ugly]
    model = tmp_path / "m.gossan"
    with pytest.raises(InputError, match=sentence):
        train(table(change), model=str(model))
    assert not model.exists()


@pytest.mark.parametrize(
    ("header", "rows", "sentence"),
    [
        ("fid,x,y,Pb,As", [], "no sample with coordinates .*0 rows"),
        ("", [], "soils.csv is empty"),
        ("fid,Pb,As", ["1,2,3"], "no field 'x'; its fields are fid, Pb, As"),
        ("fid,x,y,Zn", ["1,2,3,4"], "no field 'Pb'; its fields are fid, x, y, Zn"),
    ],
)
def test_tables_without_samples_or_fields_are_refused(table, train, header, rows, sentence):
    with pytest.raises(InputError, match=sentence):
        train(table(header=header, rows=rows))


@pytest.mark.parametrize(
    ("path", "sentence"),
    [("", "No table of samples"), ("{}/none.csv", r"none\.csv cannot be read"), ("{}", "read")],
)
def test_missing_tables_are_named(train, tmp_path, path, sentence):
    with pytest.raises(FileError, match=sentence):
        train(path.format(tmp_path))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"elements": ["Hg"]}, "no field 'Hg'"),
        ({"elements": []}, "No element was chosen"),
        ({"elements": ["Pb", "Pb"]}, "chosen twice"),
        ({"folds": 1}, "at least 2 folds"),
        ({"folds": 1000}, "cannot be split into 1000 folds"),
        ({"validation": "hold-out", "hold_out": 1.0}, "leaves one side empty"),
        ({"validation": "spatial blocks", "block_size": 1e9}, "too few for 2 folds"),
        ({"validation": "groups"}, "needs a field that names the groups"),
        ({"outlier_limit": 1e-6}, r"outlier limit .* leaves .* of Pb .*Take a greater limit"),
        ({"method": "magic"}, "Unknown method"),
        ({"features": []}, "No raster was given"),
    ],
)
def test_options_that_leave_nothing_to_learn_from_are_refused(
    train, small_world, options, sentence
):
    with pytest.raises((InputError, FileError), match=sentence):
        train(small_world.samples, **options)


def test_logarithms_of_zero_are_refused(table, train):
    with pytest.raises(InputError, match=r"Pb has 60 values of zero or less.*logarithm"):
        train(table(_pb(lambda n: str(-n))), log_transform=True)


def test_a_map_without_the_element_is_refused_with_its_bands(small_world, table):
    samples = table(header="fid,x,y,Pb,Zn")
    with pytest.raises(InputError, match=r"metals\.tif: No band .* after Zn; its bands are Pb, As"):
        load("metals.assess")(
            Progress(),
            concentrations=small_world.metals,
            samples=samples,
            elements=["Pb", "Zn"],
        )


def test_one_sample_has_no_scores_but_harms_nothing(small_world, table):
    samples = table(rows=small_world.rows[:1])
    result = load("metals.assess")(
        Progress(), concentrations=small_world.metals, samples=samples, elements=["Pb"]
    )
    (row,) = result["scores"]
    assert row["n"] == 1
    assert row["r2"] is None
    assert math.isclose(row["rmse"], 0.0, abs_tol=1e-3)
    with pytest.raises(InputError, match="at least 2 are needed"):
        load("metals.correlate")(Progress(), samples=samples, elements=["Pb"])


def test_a_comparison_says_scale_and_exclusions_once_and_names_the_image(
    small_world, table, tmp_path
):
    rows = [*small_world.rows, "far,900000,4000000,1,2"]
    options = {
        "elements": ["Pb"],
        "workflows": ["VCA"],
        "methods": [],
        "endmembers": 3,
        "seeds": 2,
        "trees": 3,
        "folds": 2,
    }
    said = []
    load("metals.compare_workflows")(
        Progress(on_message=said.append),
        raster=small_world.cube,
        samples=table(rows=rows),
        **options,
    )
    assert said.count("1 samples left out: off the raster.") == 1
    with pytest.raises(InputError, match=r"samples lies on .*cube\.tif"):
        load("metals.compare_workflows")(
            Progress(), raster=small_world.cube, samples=table(rows=rows[-1:]), **options
        )
