from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
import rasterio

from gossan.core.blocks import execute, plan, run, run_distributed
from gossan.core.dask_cluster import package_as_zip
from gossan.core.errors import CancelledError, GossanError, InputError
from gossan.core.progress import Progress

distributed = pytest.importorskip("distributed")

HEIGHT, WIDTH = 120, 50
BLOCKS = plan(HEIGHT, WIDTH, rows=16, columns=25, halo=3)


def smoothed_block(nap: float = 0.0):
    """Return a function that travels by value, for workers cannot import this test."""

    def smooth(block, *, path, victim=""):
        import os
        import time

        import numpy as np
        import rasterio
        from rasterio.windows import Window

        row, column, height, width = block.outer
        if victim and row > 40 and not os.path.exists(victim):
            with open(victim, "w") as stream:
                stream.write(str(os.getpid()))
            os.kill(os.getpid(), 9)
        with rasterio.open(path) as source:
            data = source.read(1, window=Window(column, row, width, height))
        time.sleep(nap)
        padded = np.pad(data, 1, mode="edge")
        neighbours = [
            padded[1 + i : 1 + i + height, 1 + j : 1 + j + width]
            for i in (-1, 0, 1)
            for j in (-1, 0, 1)
        ]
        return np.mean(neighbours, axis=0)[block.inner_slices]

    return smooth


@pytest.fixture(scope="module", autouse=True)
def short_patience():
    """Without it, a scheduler may look for a killed worker's result for half a minute."""
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.comm.timeouts.connect": "3s"}):
        yield


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    values = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype("float32")
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=HEIGHT,
        width=WIDTH,
        count=1,
        dtype="float32",
        transform=rasterio.transform.from_origin(500_000, 4_000_000, 30, 30),
    ) as target:
        target.write(values, 1)
    return str(path)


@pytest.fixture(scope="module")
def truth(scene):
    function, result = smoothed_block(), np.full((HEIGHT, WIDTH), np.nan)

    def keep(block, data):
        result[block.inner.slices] = data

    run(BLOCKS, lambda block: function(block, path=scene), lambda _, data: data, keep, Progress())
    assert np.all(np.isfinite(result))
    return result


def cluster(**options):
    return distributed.LocalCluster(
        processes=True,
        threads_per_worker=1,
        dashboard_address=":0",
        silence_logs=50,
        **{"n_workers": 2, **options},
    )


@pytest.fixture(scope="module")
def workers():
    with cluster() as running:
        yield running


class Mosaic:
    def __init__(self):
        self.result = np.full((HEIGHT, WIDTH), np.nan)
        self.order = []

    def consume(self, block, data):
        assert np.all(np.isnan(self.result[block.inner.slices]))
        self.result[block.inner.slices] = data
        self.order.append(block)


def test_workers_give_the_local_result_in_block_order(workers, scene, truth):
    mosaic, told = Mosaic(), []
    execute(
        workers.scheduler_address,
        BLOCKS,
        smoothed_block(),
        mosaic.consume,
        Progress(on_fraction=told.append),
        arguments={"path": scene},
    )
    np.testing.assert_array_equal(mosaic.result, truth)
    assert mosaic.order == BLOCKS
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)


def test_a_worker_killed_mid_run_is_survived(workers, scene, truth, tmp_path):
    victim, mosaic = tmp_path / "victim", Mosaic()
    run_distributed(
        workers.scheduler_address,
        BLOCKS,
        smoothed_block(nap=0.02),
        mosaic.consume,
        Progress(),
        arguments={"path": scene, "victim": str(victim)},
    )
    assert int(victim.read_text()) != os.getpid()
    np.testing.assert_array_equal(mosaic.result, truth)


def test_a_block_that_kills_every_worker_ends_the_run(workers):
    def fatal(block):
        import os

        os._exit(1)

    with pytest.raises(GossanError, match=r"workers died.*row 0, column 0.*memory"):
        run_distributed(
            workers.scheduler_address,
            BLOCKS[:1],
            fatal,
            lambda *_: None,
            Progress(),
            arguments={},
        )


def test_errors_of_the_function_reach_the_caller(workers):
    def fail(block):
        raise InputError(f"row {block.inner.row} is bad")

    with pytest.raises(InputError, match="row 0 is bad"):
        run_distributed(
            workers.scheduler_address, BLOCKS, fail, lambda *_: None, Progress(), arguments={}
        )


def unfinished_tasks(address: str) -> int:
    with distributed.Client(address, set_as_default=False) as client:
        return client.run_on_scheduler(
            lambda dask_scheduler: sum(
                task.state in ("processing", "queued", "waiting", "no-worker")
                for task in dask_scheduler.tasks.values()
            )
        )


def test_cancel_withdraws_the_blocks_in_flight(workers, scene):
    cancelled, consumed = threading.Event(), []

    def consume(block, data):
        consumed.append(block)
        cancelled.set()

    with pytest.raises(CancelledError):
        run_distributed(
            workers.scheduler_address,
            plan(2000, 1, rows=1, columns=1),
            lambda block: __import__("time").sleep(0.05),
            consume,
            Progress(cancelled=cancelled.is_set),
            arguments={},
        )
    assert len(consumed) < 3
    end = time.monotonic() + 5
    while unfinished_tasks(workers.scheduler_address) and time.monotonic() < end:
        time.sleep(0.05)
    assert unfinished_tasks(workers.scheduler_address) == 0


def test_a_failing_consumer_withdraws_the_blocks_in_flight(workers):
    def consume(block, data):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_distributed(
            workers.scheduler_address,
            BLOCKS,
            lambda block: 1,
            consume,
            Progress(),
            arguments={},
        )
    assert unfinished_tasks(workers.scheduler_address) == 0


def test_the_number_of_blocks_in_flight_is_bounded(workers, tmp_path):
    begun = tmp_path / "begun"
    begun.mkdir()
    ahead = []

    def note(block, folder):
        import pathlib

        (pathlib.Path(folder) / str(block.inner.row)).write_text("")

    def consume(block, _):
        time.sleep(0.01)
        ahead.append(len(list(begun.iterdir())) - block.inner.row)

    run_distributed(
        workers.scheduler_address,
        plan(60, 1, rows=1, columns=1),
        note,
        consume,
        Progress(),
        arguments={"folder": str(begun)},
    )
    assert max(ahead) <= 2 * 3 + 1


def test_arguments_may_have_any_name(workers):
    names = {"workers": 1, "key": 2, "priority": 3, "retries": 4, "pure": 5}
    found = []
    run_distributed(
        workers.scheduler_address,
        BLOCKS[:1],
        lambda block, **given: given,
        lambda _, given: found.append(given),
        Progress(),
        arguments=names,
    )
    assert found == [names]


def test_no_worker_in_time_is_an_error():
    with cluster(n_workers=0) as empty, pytest.raises(GossanError, match="has no workers"):
        run_distributed(
            empty.scheduler_address,
            BLOCKS,
            smoothed_block(),
            lambda *_: None,
            Progress(),
            arguments={},
            wait_seconds=0.5,
        )


def test_waiting_for_workers_can_be_cancelled():
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    begin = time.monotonic()
    with cluster(n_workers=0) as empty, pytest.raises(CancelledError):
        run_distributed(
            empty.scheduler_address,
            BLOCKS,
            smoothed_block(),
            lambda *_: None,
            Progress(cancelled=cancelled.is_set),
            arguments={},
        )
    assert time.monotonic() - begin < 5


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("tcp://127.0.0.1:{port}", "No Dask scheduler answers at tcp://127.0.0.1"),
        ("nonsense", "'nonsense' is not the address"),
        ("tcp://127.0.0.1", "is not the address"),
        ("tcp://127.0.0.1:99999999", "is not the address"),
        ("ftp://127.0.0.1:8786", "is not the address"),
        ("tcp://[::1:8786", "is not the address"),
        ("tcp://no-such-host.invalid:8786", "host 'no-such-host.invalid'.*not known"),
    ],
)
def test_wrong_addresses_are_clear_errors(address, says):
    with pytest.raises(GossanError, match=says):
        run_distributed(
            address.format(port=free_port()),
            BLOCKS,
            smoothed_block(),
            lambda *_: None,
            Progress(),
            arguments={},
            wait_seconds=0.5,
        )


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2", None])
def test_something_else_that_listens_is_a_clear_error(greeting):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        guests = []

        def welcome():
            guests.append(other.accept()[0])
            if greeting is None:
                guests[0].close()
            else:
                guests[0].sendall(greeting)

        thread = threading.Thread(target=welcome, daemon=True)
        thread.start()
        with pytest.raises(GossanError, match="is not a Dask scheduler"):
            run_distributed(
                f"tcp://127.0.0.1:{other.getsockname()[1]}",
                BLOCKS,
                smoothed_block(),
                lambda *_: None,
                Progress(),
                arguments={},
                wait_seconds=0.5,
            )
        thread.join()
        guests[0].close()


HIDE_GOSSAN = """
import sys
from importlib.machinery import PathFinder

for finder in list(sys.meta_path):
    if finder is not PathFinder and finder.find_spec("gossan", None) is not None:
        sys.meta_path.remove(finder)
sys.path[:] = [p for p in sys.path if PathFinder.find_spec("gossan", [p]) is None]
for name in [name for name in sys.modules if name.split(".")[0] == "gossan"]:
    del sys.modules[name]
"""

OLD_GOSSAN = """
import gossan.core.origin

gossan.core.origin.gossan_version = lambda: "0.0.1"
"""


def test_workers_without_gossan_are_sent_it(tmp_path, scene, truth):
    preload = tmp_path / "hide.py"
    preload.write_text(HIDE_GOSSAN)
    said, places, mosaic = [], set(), Mosaic()
    smooth = smoothed_block()

    def smooth_and_tell(block, *, path):
        import gossan

        return smooth(block, path=path), gossan.__file__

    def consume(block, result):
        mosaic.consume(block, result[0])
        places.add(result[1])

    with cluster(n_workers=1, preload=[str(preload)]) as bare:
        run_distributed(
            bare.scheduler_address,
            BLOCKS,
            smooth_and_tell,
            consume,
            Progress(on_message=said.append),
            arguments={"path": scene},
        )
    np.testing.assert_array_equal(mosaic.result, truth)
    assert any("Sending Gossan" in text for text in said)
    assert all("gossan.zip" in place for place in places)


def test_workers_with_another_gossan_are_refused(tmp_path):
    preload = tmp_path / "old.py"
    preload.write_text(OLD_GOSSAN)
    with (
        cluster(n_workers=1, preload=[str(preload)]) as old,
        pytest.raises(GossanError, match=r"another Gossan than this one.*has 0\.0\.1"),
    ):
        run_distributed(
            old.scheduler_address,
            BLOCKS,
            smoothed_block(),
            lambda *_: None,
            Progress(),
            arguments={},
        )


def test_workers_and_scheduler_that_vanish_end_the_run(scene):
    with cluster(n_workers=1) as vanishing:
        consumed = []

        def consume(block, _):
            consumed.append(block)
            if len(consumed) == 1:
                vanishing.scale(0)
                vanishing.sync(vanishing._correct_state)

        with pytest.raises(GossanError, match=r"All Dask workers have gone|was lost"):
            run_distributed(
                vanishing.scheduler_address,
                plan(50, 1, rows=1, columns=1),
                lambda block: __import__("time").sleep(0.02),
                consume,
                Progress(),
                arguments={},
                wait_seconds=1.0,
            )


def test_without_dask_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(GossanError, match="Dask is not installed"):
        run_distributed("tcp://127.0.0.1:1", BLOCKS, len, lambda *_: None, Progress(), arguments={})


def test_the_zip_for_workers_holds_the_science_only_and_imports(tmp_path):
    content = package_as_zip()
    assert content == package_as_zip()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
    assert {"gossan/__init__.py", "gossan/metadata.txt", "gossan/core/blocks.py"} <= set(names)
    assert {name.split("/")[1] for name in names} == {
        "__init__.py",
        "metadata.txt",
        "core",
        "models",
    }
    assert not any("__pycache__" in name for name in names)
    path = tmp_path / "gossan.zip"
    path.write_bytes(content)
    code = (
        HIDE_GOSSAN + "import os\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "import gossan.core.blocks, gossan.core.origin\n"
        "assert gossan.__file__.startswith(sys.argv[1])\n"
        "assert gossan.core.origin.gossan_version() == sys.argv[2]\n"
    )
    from gossan.core.origin import gossan_version

    subprocess.run([sys.executable, "-c", code, str(path), gossan_version()], check=True)
