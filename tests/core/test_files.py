from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from gossan.core import files
from gossan.core.errors import CancelledError, FileError
from gossan.core.files import is_running, part_path, remove_leftovers, write_then_rename


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_output_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "map.csv"
    with write_then_rename(path) as part:
        part.write_text("a,b\n")
        assert not path.exists()
        assert part.parent == path.parent
        assert part.name == f".map.csv.{os.getpid()}.gossan-part"
    assert path.read_text() == "a,b\n"
    assert os.listdir(tmp_path) == ["map.csv"]


@pytest.mark.parametrize("problem", [ValueError, CancelledError, KeyboardInterrupt, SystemExit])
def test_failure_and_cancel_leave_nothing_and_keep_the_old_output(tmp_path, problem):
    path = tmp_path / "map.tif"
    path.write_text("old")
    failure = pytest.raises(problem)
    with failure, write_then_rename(path) as part:
        part.write_text("half")
        (tmp_path / (part.name + ".aux.xml")).write_text("half")
        raise problem
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["map.tif"]


def test_suffix_can_be_kept_for_drivers_that_choose_a_format_by_it(tmp_path):
    path = tmp_path / "map.tif"
    with write_then_rename(path, keep_suffix=True) as part:
        part.write_text("x")
        assert part.suffix == ".tif"
        assert files.PART in part.name
    assert path.read_text() == "x"


def test_companions_of_the_temporary_file_follow_it(tmp_path):
    path = tmp_path / "map.tif"
    with write_then_rename(path, keep_suffix=True) as part:
        part.write_text("x")
        (tmp_path / (part.name + ".aux.xml")).write_text("y")
    assert sorted(os.listdir(tmp_path)) == ["map.tif", "map.tif.aux.xml"]
    assert (tmp_path / "map.tif.aux.xml").read_text() == "y"


def test_sidecars_of_the_file_before_go_and_new_ones_stay(tmp_path):
    path = tmp_path / "map.tif"
    for ending in ("", ".aux.xml", ".ovr"):
        (tmp_path / f"map.tif{ending}").write_text("old")
    with write_then_rename(path) as part:
        part.write_text("new")
        (tmp_path / (part.name + ".ovr")).write_text("new")
    assert {entry.name: entry.read_text() for entry in tmp_path.iterdir()} == {
        "map.tif": "new",
        "map.tif.ovr": "new",
    }


def test_missing_folder_is_named(tmp_path):
    path = tmp_path / "nowhere" / "map.csv"
    refusal = pytest.raises(FileError, match=r"nowhere does not exist.*[Cc]reate")
    with refusal, write_then_rename(path):
        pytest.fail("the block must not start")


def test_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    refusal = pytest.raises(FileError, match="file is not a folder")
    with refusal, write_then_rename(tmp_path / "file" / "map.csv"):
        pytest.fail("the block must not start")


def test_folder_in_place_of_the_output_is_refused(tmp_path):
    (tmp_path / "map.csv").mkdir()
    refusal = pytest.raises(FileError, match=r"map\.csv is a folder")
    with refusal, write_then_rename(tmp_path / "map.csv"):
        pytest.fail("the block must not start")


@pytest.mark.skipif(
    os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root writes anywhere"
)
def test_read_only_folder_is_refused_before_the_work_starts(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(FileError, match="read-only"), write_then_rename(tmp_path / "map.csv"):
            pytest.fail("the block must not start")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.EROFS, "read-only"),
        (errno.EACCES, "read-only"),
        (errno.ENOSPC, "disk is full"),
        (errno.ENAMETOOLONG, "another folder or file name"),
    ],
)
def test_folder_that_cannot_be_written_is_refused_before_the_work_starts(
    tmp_path, monkeypatch, number, says
):
    def refuse(self, *_):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    refusal = pytest.raises(FileError, match=f"map.csv.*{says}")
    with refusal, write_then_rename(tmp_path / "map.csv"):
        pytest.fail("the block must not start")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    path = tmp_path / "map.csv"
    refusal = pytest.raises(FileError, match=r"map\.csv cannot be written: the disk is full")
    with refusal, write_then_rename(path) as part:
        part.write_text("half")
        with open("/dev/full", "w") as full:
            full.write("x" * 100_000)
    assert os.listdir(tmp_path) == []


def test_errors_about_other_files_pass_unchanged(tmp_path):
    with pytest.raises(FileNotFoundError, match="input"), write_then_rename(tmp_path / "map.csv"):
        (tmp_path / "input").read_text()
    assert os.listdir(tmp_path) == []


def test_output_open_elsewhere_is_a_clear_error(tmp_path, monkeypatch):
    path = tmp_path / "map.csv"
    path.write_text("old")

    def locked(source, target):
        raise PermissionError(errno.EACCES, "in use", str(source), None, str(target))

    monkeypatch.setattr(os, "replace", locked)
    refusal = pytest.raises(FileError, match="open in another program")
    with refusal, write_then_rename(path) as part:
        part.write_text("new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["map.csv"]


def test_block_that_writes_nothing_is_an_error(tmp_path):
    refusal = pytest.raises(FileError, match=r"map\.csv was not written")
    with refusal, write_then_rename(tmp_path / "map.csv"):
        pass


def test_leftovers_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path):
    dead = dead_process()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        left = tmp_path / f".map.tif.{dead}.gossan-part"
        left_with_suffix = tmp_path / f".map.tif.{dead}.gossan-part.tif"
        kept = [
            tmp_path / f".map.tif.{child.pid}.gossan-part",
            tmp_path / f".other.tif.{dead}.gossan-part",
            tmp_path / "map.tif",
            part_path(tmp_path / "map.tif"),
        ]
        for path in [left, left_with_suffix, *kept]:
            path.write_text("")
        assert set(remove_leftovers(tmp_path / "map.tif")) == {left, left_with_suffix}
        assert {entry.name for entry in tmp_path.iterdir()} == {path.name for path in kept}
    finally:
        child.communicate(b"\n")


def test_next_run_removes_what_a_killed_run_left(tmp_path):
    path = tmp_path / "map.csv"
    code = (
        "import os, sys\n"
        "from gossan.core.files import write_then_rename\n"
        "with write_then_rename(sys.argv[1]) as part:\n"
        "    part.write_text('half')\n"
        "    os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert len(os.listdir(tmp_path)) == 1
    assert not path.exists()
    with write_then_rename(path) as part:
        part.write_text("whole")
    assert os.listdir(tmp_path) == ["map.csv"]


def test_leftovers_in_a_missing_folder_are_none(tmp_path):
    assert remove_leftovers(tmp_path / "nowhere" / "map.tif") == []


def test_running_processes_are_told_from_dead_ones():
    assert is_running(os.getpid())
    assert is_running(os.getppid())
    assert not is_running(dead_process())
    assert not is_running(1 << 80)
