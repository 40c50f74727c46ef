"""Errors say what is wrong, where, and what to do."""

from __future__ import annotations

import pytest

from gossan.core.errors import BandMismatchError, FileError, GossanError, InputError, naming


def test_the_name_of_a_file_goes_before_a_sentence_without_it():
    with pytest.raises(BandMismatchError) as refusal, naming("scene.tif"):
        raise BandMismatchError("No band fits.")
    assert str(refusal.value) == "scene.tif: No band fits."


@pytest.mark.parametrize("sentence", ["scene.tif has no band.", "lib.csv has no spectra."])
def test_a_sentence_that_names_a_file_stays_as_it_is(sentence):
    with pytest.raises(InputError) as refusal, naming("scene.tif", "lib.csv", ""):
        raise InputError(sentence)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize("problem", [FileError("a"), GossanError("b"), KeyError("c")])
def test_other_problems_pass_unchanged(problem):
    with pytest.raises(type(problem)) as refusal, naming("scene.tif"):
        raise problem
    assert refusal.value is problem


def test_without_a_file_there_is_nothing_to_name():
    with pytest.raises(InputError, match=r"^No band\.$"), naming(""):
        raise InputError("No band.")
