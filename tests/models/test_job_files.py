"""Every job leaves complete results or nothing, destroys no input and repeats with its seed."""

from __future__ import annotations

import errno
import inspect
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import rasterio
from job_calls import CALLS, TRIED_ELSEWHERE, WRITES_NOTHING

from gossan.core import files
from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.models.registry import JOBS, load

HOLDING_TIMES = {"metals.compare_workflows": "table"}
"""Outputs that tell how long something took."""
WRITING = [name for name, (_, outputs) in CALLS.items() if outputs]
"""Jobs that write files; the others only answer."""
SEEDED = [name for name in CALLS if "seed" in inspect.signature(load(name)).parameters]
OUTPUTS = {
    **{name: outputs for name, (_, outputs) in CALLS.items()},
    **{name: elsewhere.outputs for name, elsewhere in TRIED_ELSEWHERE.items()},
}


def test_every_job_of_the_toolbox_is_tried_here():
    others = ("engine.", "selftest.")
    tried = {*OUTPUTS, *WRITES_NOTHING}
    assert tried == {name for name in JOBS if not name.startswith(others)}
    assert len(tried) == len(CALLS) + len(TRIED_ELSEWHERE) + len(WRITES_NOTHING)
    for name, module in WRITES_NOTHING.items():
        function = JOBS[name].partition(":")[2]
        assert function in Path(__file__).with_name(module).read_text(encoding="utf-8")


@pytest.fixture
def call(job_world, tmp_path):
    """Run a job; outputs go to ``tmp_path/results`` unless given."""
    results = tmp_path / "results"
    results.mkdir()

    def run(name, progress=None, only=None, **changes):
        inputs, outputs = CALLS[name]
        parameters = {key: _filled(value, job_world) for key, value in inputs.items()}
        chosen = outputs if only is None else {key: outputs[key] for key in only}
        parameters.update({key: str(results / file) for key, file in chosen.items()})
        return load(name)(progress or Progress(), **{**parameters, **changes})

    run.results = results
    run.world = job_world
    return run


@pytest.mark.parametrize("name", WRITING)
def test_an_output_without_folder_is_refused_before_any_work(name, call):
    said = []
    for output, file in CALLS[name][1].items():
        nowhere = str(call.results / "nowhere" / file)
        with pytest.raises(FileError, match=r"nowhere does not exist.*Create the folder"):
            call(name, Progress(on_message=said.append), **{output: nowhere})
    assert said == []
    assert list(call.results.iterdir()) == []


@pytest.mark.parametrize("name", [name for name in CALLS if len(CALLS[name][1]) > 1])
def test_one_file_for_two_outputs_is_refused(name, call):
    first, second = list(CALLS[name][1])[:2]
    same = str(call.results / CALLS[name][1][first])
    with pytest.raises(InputError, match=f"two outputs.*{first}.*{second}"):
        call(name, **{second: same})
    assert list(call.results.iterdir()) == []


@pytest.mark.parametrize("name", WRITING)
def test_an_output_never_overwrites_an_input(name, call, tmp_path):
    inputs, outputs = CALLS[name]
    precious, link = tmp_path / "precious.tif", tmp_path / "link.tif"
    precious.write_bytes(b"the only copy")
    link.symlink_to(precious)
    for source in _files_of(inputs, call.world):
        given = [str(precious)] if isinstance(inputs[source], list) else str(precious)
        for output in outputs:
            with pytest.raises(InputError, match="would overwrite the input"):
                call(name, **{source: given, output: str(link)})
            assert precious.read_bytes() == b"the only copy"


def test_a_composite_never_overwrites_the_list_of_its_scenes(call, tmp_path):
    found = tmp_path / "found.geojson"
    found.write_text("the only copy")
    with pytest.raises(InputError, match="would overwrite the input"):
        call("imagery.composite", rasters=[], scenes=str(found), report=str(found))
    assert found.read_text() == "the only copy"


@pytest.mark.parametrize("name", TRIED_ELSEWHERE)
def test_what_is_tried_elsewhere_refuses_its_outputs_before_any_work(name, tmp_path):
    reason, outputs, module = TRIED_ELSEWHERE[name]
    assert reason
    assert "CancelledError" in Path(__file__).with_name(module).read_text(encoding="utf-8")
    good = {key: str(tmp_path / file) for key, file in outputs.items()}
    for output, file in outputs.items():
        nowhere = {**good, output: str(tmp_path / "nowhere" / file)}
        with pytest.raises(FileError, match=r"nowhere does not exist.*Create the folder"):
            load(name)(Progress(), **nowhere)
        same = {**good, output: next(path for key, path in good.items() if key != output)}
        with pytest.raises(InputError, match="two outputs"):
            load(name)(Progress(), **same)
    assert list(tmp_path.iterdir()) == []


def test_a_library_never_takes_the_header_of_the_scene_beside_it(call, small_world, tmp_path):
    for name in ("scene.dat", "other.dat"):
        with rasterio.open(small_world.cube) as dataset:
            profile = {**dataset.profile, "driver": "ENVI", "interleave": "bsq"}
            for key in ("tiled", "blockxsize", "blockysize"):
                profile.pop(key, None)
            with rasterio.open(tmp_path / name, "w", **profile) as copy:
                copy.write(dataset.read())
    for name, problem in (("scene", InputError), ("other", FileError)):
        header = (tmp_path / f"{name}.hdr").read_bytes()
        with pytest.raises(problem, match=f"{name}.sli would overwrite"):
            call(
                "endmembers.extract",
                raster=str(tmp_path / "scene.dat"),
                library=str(tmp_path / f"{name}.sli"),
            )
        assert (tmp_path / f"{name}.hdr").read_bytes() == header


@pytest.mark.parametrize("name", WRITING)
def test_a_disk_that_fills_up_with_the_last_output_leaves_nothing(name, call, monkeypatch):
    flush = files._flush_to_disk
    written = []

    def fill(path):
        if files.PART in path.name:
            written.append(path.name)
            if len(written) == len(CALLS[name][1]):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        flush(path)

    monkeypatch.setattr(files, "_flush_to_disk", fill)
    with pytest.raises(FileError, match=r"disk is full.*Free some space"):
        call(name)
    assert list(call.results.iterdir()) == []


@pytest.mark.parametrize("name", CALLS)
def test_cancelling_at_any_stage_leaves_nothing(name, call):
    class Stop:
        """Cancel at the check of this number."""

        def __init__(self, at):
            self.at, self.checks = at, 0

        def __call__(self):
            self.checks += 1
            return self.checks == self.at

    count = Stop(0)
    results = [key for key in CALLS[name][1] if key != "report"] or None
    call(name, Progress(cancelled=count), only=results)
    assert count.checks > 1
    shutil.rmtree(call.results)
    call.results.mkdir()
    for at in sorted({1, 2, count.checks // 2, count.checks - 1, count.checks}):
        with pytest.raises(CancelledError):
            call(name, Progress(cancelled=Stop(at)), only=results)
        assert list(call.results.iterdir()) == []


@pytest.mark.parametrize("name", SEEDED)
def test_the_same_seed_repeats(name, call):
    outputs = [key for key in CALLS[name][1] if key != "report"]
    if name in HOLDING_TIMES:
        outputs.remove(HOLDING_TIMES[name])
    seen = []
    for _ in range(2):
        call(name, only=outputs, seed=7)
        seen.append({path.name: _content(path) for path in call.results.iterdir()})
        shutil.rmtree(call.results)
        call.results.mkdir()
    assert seen[0] == seen[1]


def test_what_a_killed_run_left_goes_with_the_next_one(call):
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    left = call.results / f".a.tif.{int(ended.stdout)}.{files.PART}"
    left.write_bytes(b"half a map")
    call("abundances.estimate")
    assert [path.name for path in call.results.iterdir()] == ["a.tif"]


def test_results_that_stood_there_before_outlive_a_run_that_fails(call, small_world):
    old = call.results / "a.tif"
    shutil.copyfile(small_world.features, old)
    before = old.read_bytes()
    with pytest.raises(FileError, match="does not exist"):
        call("abundances.estimate", raster=str(call.results / "missing.tif"))
    assert old.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs devices")
def test_a_device_is_no_place_for_results(call):
    with pytest.raises(FileError, match="/dev/null is no ordinary file"):
        call("metals.correlate", table="/dev/null")


def _filled(value, world):
    """Return an input of a call with the names of files in place of ``{name}``."""
    if isinstance(value, list):
        return [_filled(each, world) for each in value]
    return value.format(**vars(world)) if isinstance(value, str) else value


def _files_of(inputs, world):
    """Return which inputs of a call are files, not folders."""
    found = []
    for key, value in inputs.items():
        paths = _filled(value, world)
        path = paths[0] if isinstance(paths, list) and paths else paths
        if isinstance(path, str) and os.path.isabs(path) and os.path.isfile(path):
            found.append(key)
    return found


def _content(path):
    if path.is_dir():
        return {str(each.relative_to(path)): _content(each) for each in path.rglob("*.*")}
    if path.suffix == ".tif":
        with rasterio.open(path) as dataset:
            return dataset.read().tobytes()
    return path.read_bytes()
