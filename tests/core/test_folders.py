from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.files import PART
from gossan.core.folders import write_folder_then_rename
from gossan.core.job_files import job_files
from gossan.core.progress import Progress


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "chips"
    with write_folder_then_rename(path) as part:
        (part / "a.txt").write_text("a")
        assert not path.exists()
        assert part.parent == tmp_path
    assert (path / "a.txt").read_text() == "a"
    assert os.listdir(tmp_path) == ["chips"]


@pytest.mark.parametrize("problem", [ValueError, CancelledError, KeyboardInterrupt])
def test_failure_leaves_nothing_and_keeps_what_stood_there(tmp_path, problem):
    path = tmp_path / "chips"
    path.mkdir()
    (path / "chips.csv").write_text("old")
    failure = pytest.raises(problem)
    with failure, write_folder_then_rename(path, replaces={"chips.csv"}) as part:
        (part / "chips.csv").write_text("half")
        raise problem
    assert (path / "chips.csv").read_text() == "old"
    assert os.listdir(tmp_path) == ["chips"]


def test_what_an_earlier_run_left_is_replaced_whole(tmp_path):
    path = tmp_path / "chips"
    path.mkdir()
    (path / "chips.csv").write_text("old")
    with write_folder_then_rename(path, replaces={"chips.csv"}) as part:
        (part / "new.csv").write_text("new")
    assert os.listdir(path) == ["new.csv"]
    assert os.listdir(tmp_path) == ["chips"]


def test_a_folder_with_other_files_is_refused_before_the_work(tmp_path):
    (tmp_path / "holiday.jpg").write_text("mine")
    refusal = pytest.raises(FileError, match=r"holds other files \(holiday\.jpg\).*empty folder")
    with refusal, write_folder_then_rename(tmp_path, replaces={"chips.csv"}):
        pytest.fail("the block must not start")
    assert os.listdir(tmp_path) == ["holiday.jpg"]


def test_other_files_that_came_during_the_work_are_not_lost(tmp_path):
    path = tmp_path / "chips"
    refusal = pytest.raises(FileError, match="holds other files")
    with refusal, write_folder_then_rename(path):
        path.mkdir()
        (path / "notes.txt").write_text("kept")
    assert os.listdir(tmp_path) == ["chips"]
    assert os.listdir(path) == ["notes.txt"]


def test_a_file_in_its_place_and_a_missing_folder_above_are_named(tmp_path):
    (tmp_path / "chips").write_text("")
    with pytest.raises(FileError, match="is a file"), write_folder_then_rename(tmp_path / "chips"):
        pytest.fail("the block must not start")
    above = tmp_path / "nowhere" / "chips"
    with pytest.raises(FileError, match="nowhere does not exist"), write_folder_then_rename(above):
        pytest.fail("the block must not start")


def test_folders_of_killed_runs_are_removed(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    leftover = tmp_path / f".chips.{child.pid}.{PART}"
    leftover.mkdir()
    (leftover / "half.tif").write_text("half")
    with write_folder_then_rename(tmp_path / "chips") as part:
        (part / "a.txt").write_text("a")
    assert os.listdir(tmp_path) == ["chips"]


@job_files(reads=("chips",), writes=("report",), folders={"output": {"chips.csv"}})
def a_job(progress, *, output, chips="", report="", fail=False):
    with write_folder_then_rename(output, replaces={"chips.csv"}) as part:
        (part / "chips.csv").write_text("new")
    if fail:
        raise InputError("later")


def test_a_job_that_fails_later_takes_its_folder_back(tmp_path):
    with pytest.raises(InputError, match="later"):
        a_job(Progress(), output=str(tmp_path / "chips"), fail=True)
    assert os.listdir(tmp_path) == []
    a_job(Progress(), output=str(tmp_path / "chips"))
    with pytest.raises(InputError, match="later"):
        a_job(Progress(), output=str(tmp_path / "chips"), fail=True)
    assert os.listdir(tmp_path / "chips") == ["chips.csv"]


def test_a_job_never_replaces_the_folder_it_reads(tmp_path):
    a_job(Progress(), output=str(tmp_path / "chips"))
    source = str(tmp_path / "chips" / "chips.csv")
    with pytest.raises(InputError, match="would overwrite the input"):
        a_job(Progress(), output=str(tmp_path / "chips"), chips=source)
