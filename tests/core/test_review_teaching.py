"""Teaching and comparing by plain Python: what there is to learn, the steps, what has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gossan.core.review.comparison import compare
from gossan.core.review.teaching import (
    COLLECT,
    SEARCH,
    STEPS,
    TRAIN,
    Lesson,
    Wish,
    after,
    overall,
    parameters_of,
)

WISH = Wish("layer", ("image.tif",), "base.gossan", "new.gossan", epochs=7)


def test_decisions_are_counted_and_told():
    lesson = Lesson.of(["mine", "DAM ", "false", "unsure", "", None, "false"])
    assert lesson == Lesson(2, 2, 1, 2)
    assert lesson.summary() == "2 confirmed, 2 rejected, 1 unsure, 2 not reviewed."
    assert lesson.why_not() == ""
    assert "Only 2 confirmed and 2 rejected" in lesson.caution()


@pytest.mark.parametrize(
    ("lesson", "sentence"),
    [
        (Lesson(0, 0, 3, 4), "Nothing was reviewed yet"),
        (Lesson(0, 9, 0, 0), "No finding was confirmed yet"),
        (Lesson(9, 0, 0, 0), "No finding was rejected"),
        (Lesson(1, 1, 0, 0), ""),
    ],
)
def test_too_little_to_learn_from_is_said(lesson, sentence):
    assert lesson.why_not().startswith(sentence)
    assert bool(lesson.why_not()) == bool(sentence)


def test_enough_of_both_kinds_needs_no_caution():
    assert Lesson(5, 5, 0, 0).caution() == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"images": ()}, "images"),
        ({"base": ""}, "detector that made"),
        ({"model": ""}, "where the new detector"),
        ({"model": "new.tif"}, ".gossan"),
        ({"model": "base.gossan"}, "must not replace"),
    ],
)
def test_what_a_wish_lacks_is_said(change, word):
    assert WISH.why_not() == ""
    assert word in replace(WISH, **change).why_not()


def test_steps_hand_on_what_they_make():
    collect, train, search = (
        parameters_of(step, WISH, "/chips", {"POLYGONS": "after.gpkg"}) for step in STEPS
    )
    assert collect["FINDINGS"] == "layer"
    assert collect["OUTPUT"] == "/chips"
    assert train["CHIPS"] == ["/chips/chips.csv"]
    assert (train["BASE_MODEL"], train["MODEL"], train["EPOCHS"]) == (WISH.base, WISH.model, 7)
    assert train["REPORT"] == "new.html"
    assert search["DETECTOR"] == train["MODEL"]
    assert search["INPUT"] == collect["IMAGES"] == ["image.tif"]
    assert search["POLYGONS"] == "after.gpkg"
    assert [after(step) for step in STEPS] == [TRAIN, SEARCH, ""]


def test_progress_never_falls_from_step_to_step():
    seen = [overall(step, percent) for step in STEPS for percent in (0, 50, 100)]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, 100.0)
    assert overall(COLLECT, 150) == overall(COLLECT, 100)


def test_a_comparison_tells_what_stayed_went_and_came():
    found = compare(
        {1: "mine", 2: "false", 3: "False", 4: "", 5: "dam", 6: "unsure"},
        [1, 2, 3, 9],
        # One of the new findings covers two old ones; another old one has come apart.
        [(1, 1), (4, 1), (3, 2), (3, 3)],
    )
    assert (found.kept, found.lost, found.gained) == ((1, 3, 4), (2, 5, 6), (9,))
    assert (found.mines, found.mines_kept, found.false, found.false_kept) == (2, 1, 2, 1)
    assert found.precision_before == found.precision_after == 0.5
    told = " ".join(found.sentences())
    assert "6 findings before: 3 kept, 3 lost. 1 new." in told
    assert "Of 2 that you rejected, 1 is gone." in told
    assert "Of 2 that you confirmed, 1 stayed." in told
    assert "Mines were lost" in told


def test_nothing_reviewed_and_nothing_found_can_be_compared():
    assert compare({1: ""}, [], []).lost == (1,)
    assert compare({}, [1], []).gained == (1,)
    assert compare({1: ""}, [], []).precision_before is None
