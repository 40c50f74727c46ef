from __future__ import annotations

import json

import pytest

from gossan.core.errors import InputError
from gossan.core.origin import Origin, gossan_version

ROOT_METADATA = "metadata.txt"


def test_version_is_the_one_of_the_metadata():
    import gossan

    folder = gossan.__file__.rsplit("__init__", 1)[0]
    with open(folder + ROOT_METADATA, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert f"version={gossan_version()}" in [line.replace(" ", "") for line in lines]


def test_origin_of_a_job_comes_back_as_given():
    given = {"algorithm": "gossan:mapmetals", "version": "9.9", "parameters": {"SEED": 3}}
    origin = Origin.from_dict(given)
    assert origin.to_dict() == given
    assert Origin.from_dict(origin.with_model("ab" * 32).to_dict()).model == "ab" * 32


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_job_without_an_origin_still_has_a_version(nothing):
    origin = Origin.from_dict(nothing)
    assert origin.version == gossan_version()
    assert origin.algorithm == ""


def test_tags_are_text_and_the_parameters_can_be_read_back():
    origin = Origin("gossan:mapmetals", "1.0", {"ELEMENTS": ["Cd", "Pb"], "ß": 1}, "ff" * 32)
    tags = origin.tags()
    assert all(isinstance(value, str) for value in tags.values())
    assert json.loads(tags["GOSSAN_PARAMETERS"]) == {"ELEMENTS": ["Cd", "Pb"], "ß": 1}
    assert tags["GOSSAN_MODEL"] == "ff" * 32
    assert "GOSSAN_MODEL" not in Origin("gossan:x", "1").tags()


@pytest.mark.parametrize("origin", [{"algoritm": "x"}, {"parameters": [1, 2]}])
def test_wrong_origins_are_refused(origin):
    with pytest.raises(InputError, match="origin"):
        Origin.from_dict(origin)
