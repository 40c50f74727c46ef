"""The steps of teaching, one after the other: order, cancel, failure, what is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from gossan.core.review.teaching import ALGORITHMS, STEPS, Wish
from gossan.plugin.docks.mines import teach_course
from gossan.plugin.docks.mines.teach_course import Course
from gossan.plugin.toolbox import Feedback


class StandIn:
    """Takes the place of an algorithm in the background; the test says how it ends."""

    made: list[StandIn] = []  # noqa: RUF012
    refused = ""

    def __init__(self, algorithm, parameters, done, failed):
        if algorithm == self.refused:
            raise ValueError("Refused.")
        self.algorithm, self.parameters = algorithm, parameters
        self.done, self.failed = done, failed
        self.feedback = Feedback()
        self.cancelled = False
        self.made.append(self)

    def start(self):
        pass

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def course(qgis_application, monkeypatch):
    StandIn.made, StandIn.refused = [], ""
    monkeypatch.setattr(teach_course, "Run", StandIn)
    made = Course()
    made.heard = []
    made.progressed.connect(lambda percent, _: made.heard.append(("progress", percent)))
    made.measured.connect(lambda epoch, values: made.heard.append((epoch, values)))
    made.ended.connect(lambda path: made.heard.append(("ended", path)))
    made.failed.connect(lambda sentence: made.heard.append(("failed", sentence)))
    return made


@pytest.fixture
def wish(tmp_path):
    return Wish("layer", ("image",), "base.gossan", str(tmp_path / "taught.gossan"))


def chips() -> Path:
    """Where the examples of the course under way go."""
    return Path(StandIn.made[0].parameters["OUTPUT"])


def test_one_step_follows_the_other_and_the_examples_go(course, wish, tmp_path):
    course.start(wish)
    assert chips().parent.is_dir()
    for number, step in enumerate(STEPS):
        run = StandIn.made[number]
        assert run.algorithm == ALGORITHMS[step]
        run.feedback.setProgress(50.0)
        if step == "train":
            run.feedback.measured(3, {"loss": 0.25})
        assert course.running
        run.done({})
    assert not course.running
    assert (3, {"loss": 0.25}) in course.heard
    percents = [each[1] for each in course.heard if each[0] == "progress"]
    assert percents == sorted(percents)
    assert course.heard[-1] == ("ended", str(tmp_path / "taught_findings.gpkg"))
    assert not chips().parent.exists()


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_after_a_cancel_nothing_more_is_heard_and_nothing_is_left(course, wish, steps):
    course.start(wish)
    for number in range(steps):
        StandIn.made[number].done({})
    course.cancel()
    last = StandIn.made[-1]
    assert last.cancelled
    assert not course.running
    assert not chips().parent.exists()
    heard = list(course.heard)
    last.feedback.setProgress(70.0)
    last.done({})
    last.failed("Too late.")
    assert course.heard == heard
    assert len(StandIn.made) == steps + 1


def test_a_failure_is_told_and_ends_it(course, wish):
    course.start(wish)
    StandIn.made[0].failed("No chip could be cut.")
    assert course.heard[-1] == ("failed", "No chip could be cut.")
    assert not course.running
    assert not chips().parent.exists()


def test_what_the_toolbox_refuses_is_told(course, wish):
    StandIn.refused = ALGORITHMS["train"]
    course.start(wish)
    StandIn.made[0].done({})
    assert course.heard[-1] == ("failed", "Refused.")
    StandIn.refused = ALGORITHMS["collect"]
    with pytest.raises(ValueError, match="Refused"):
        course.start(wish)
    assert not course.running
