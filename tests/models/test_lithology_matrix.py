"""A confusion matrix read from a table and scored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from gossan.core.errors import FileError, InputError
from gossan.core.progress import Progress
from gossan.models.registry import load

score = load("lithology.matrix")


def test_scores_are_those_of_the_pairs(tmp_path):
    random = np.random.default_rng(5)
    reference = random.integers(0, 3, 600)
    mapped = np.where(random.random(600) < 0.3, random.integers(0, 3, 600), reference)
    names = ["granite", "slate", "lime, marl"]
    counts = metrics.confusion_matrix(reference, mapped)
    table = tmp_path / "m.csv"
    table.write_text(
        'reference \\ map,granite,slate,"lime, marl"\n'
        + "\n".join(f'"{names[place]}",' + ",".join(map(str, counts[place])) for place in (2, 0, 1))
    )
    found = score(Progress(), table=str(table))
    assert found["names"] == names
    assert found["counts"] == counts.tolist()
    assert found["pixels"] == 600
    assert found["overall"] == pytest.approx(metrics.accuracy_score(reference, mapped))
    assert found["kappa"] == pytest.approx(metrics.cohen_kappa_score(reference, mapped))
    assert found["producers"] == pytest.approx(
        metrics.recall_score(reference, mapped, average=None)
    )
    assert found["users"] == pytest.approx(metrics.precision_score(reference, mapped, average=None))
    assert (found["adjusted"], found["trouble"]) == (None, "")


def test_areas_are_allowed_for(tmp_path):
    """The example of Olofsson and others (2014), table 8."""
    table = tmp_path / "m.csv"
    # The map's classes are the source's rows, which are columns here.
    table.write_text(
        "reference,deforestation,gain,forest,other\n"
        "deforestation,66,0,1,2\ngain,0,55,0,1\nforest,5,8,153,9\nother,4,12,11,313\n"
    )
    areas = [200_000, 150_000, 3_200_000, 6_450_000]
    names = ["deforestation", "gain", "forest", "other"]
    given = [{"name": name, "area": area} for name, area in zip(names, areas)]
    found = score(Progress(), table=str(table), areas=given)["adjusted"]
    assert found["overall"] == pytest.approx(0.95, abs=0.005)
    assert found["error"] == pytest.approx(0.02, abs=0.005)
    assert found["users"][:2] == pytest.approx([0.88, 0.73], abs=0.005)
    assert found["producers"][:2] == pytest.approx([0.75, 0.85], abs=0.005)
    # The published areas are in hectares, of pixels of 30 m.
    assert np.array(found["shares"]) * 1e7 * 0.09 == pytest.approx(
        [21_158, 11_686, 285_770, 581_386], abs=1
    )


def test_areas_of_other_classes_or_without_samples_are_explained(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("reference,a,b\na,5,0\nb,2,0\n")
    found = score(Progress(), table=str(table), areas=[{"name": "c", "area": 3}])
    assert found["adjusted"] is None
    assert "does not know the class c" in found["trouble"]
    assert math.isnan(found["users"][1])
    found = score(Progress(), table=str(table), areas=[{"name": "b", "area": 3}])
    assert "fewer than two reference samples" in found["trouble"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"m.csv is empty"),
        ("name,As,Pb\n1,2,3\n", r"m.csv is no confusion matrix"),
        ("reference,a,a\na,1,2\na,3,4\n", r"is no confusion matrix"),
        ("reference,a\na,1\n", r"is no confusion matrix"),
        ("reference,a,b\na,1,2\nb,x,4\n", r"has 'x' for b mapped as a"),
        ("reference,a,b\na,1,-2\nb,3,4\n", r"has '-2' for a mapped as b"),
        ("reference,a,b\na,1,2.5\nb,3,4\n", r"has '2.5' for a mapped as b"),
        ("reference,a,b\na,1,\nb,3,4\n", r"has '' for a mapped as b"),
        ("reference,a,b\na,0,0\nb,0,0\n", r"counts no pixel"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        score(Progress(), table=str(tmp_path / "m.csv"))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none.csv cannot be read"):
        score(Progress(), table=str(tmp_path / "none.csv"))
