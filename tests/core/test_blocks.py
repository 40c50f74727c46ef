from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.blocks import (
    BLOCKS_IN_MEMORY,
    Block,
    PixelProgress,
    Window,
    duration,
    execute,
    plan,
    rows_for_budget,
    run,
)
from gossan.core.errors import CancelledError, InputError
from gossan.core.progress import Progress

sizes = st.integers(1, 70)


@given(sizes, sizes, sizes, sizes, st.integers(0, 80))
def test_blocks_cover_every_pixel_exactly_once(height, width, rows, columns, halo):
    seen = np.zeros((height, width), dtype=int)
    for block in plan(height, width, rows=rows, columns=columns, halo=halo):
        seen[block.inner.slices] += 1
    assert np.all(seen == 1)


@given(sizes, sizes, sizes, sizes, st.integers(0, 80))
def test_halos_are_full_but_for_the_image_border(height, width, rows, columns, halo):
    for block in plan(height, width, rows=rows, columns=columns, halo=halo):
        inner, outer = block.inner, block.outer
        assert outer.row == max(inner.row - halo, 0)
        assert outer.column == max(inner.column - halo, 0)
        assert outer.row + outer.height == min(inner.row + inner.height + halo, height)
        assert outer.column + outer.width == min(inner.column + inner.width + halo, width)


@given(sizes, sizes, st.sampled_from([27, 32]))
def test_origins_are_multiples_of_the_block_size(height, width, cell):
    for block in plan(height, width, rows=cell, columns=cell, halo=5):
        assert block.inner.row % cell == 0
        assert block.inner.column % cell == 0


@given(sizes, sizes, sizes, sizes, st.integers(0, 80))
def test_inner_slices_cut_the_halo_off(height, width, rows, columns, halo):
    image = np.arange(height * width).reshape(height, width)
    for block in plan(height, width, rows=rows, columns=columns, halo=halo):
        outer = image[block.outer.slices]
        np.testing.assert_array_equal(outer[block.inner_slices], image[block.inner.slices])


@pytest.mark.parametrize(
    ("height", "width", "options"),
    [
        (0, 5, {"rows": 1, "columns": 1}),
        (5, 0, {"rows": 1, "columns": 1}),
        (5, 5, {"rows": 0, "columns": 1}),
        (5, 5, {"rows": 1, "columns": 0}),
        (5, 5, {"rows": 1, "columns": 1, "halo": -1}),
    ],
)
def test_plans_without_pixels_are_refused(height, width, options):
    with pytest.raises(InputError):
        plan(height, width, **options)


@given(
    st.integers(1, 20_000),
    st.floats(0.1, 5000),
    st.integers(1 << 20, 1 << 32),
    st.sampled_from([1, 27, 32]),
)
def test_blocks_in_memory_stay_within_the_budget(width, bytes_per_pixel, budget, multiple):
    rows = rows_for_budget(width, bytes_per_pixel, budget=budget, multiple=multiple)
    assert rows >= multiple
    assert rows % multiple == 0
    if rows > multiple:
        assert BLOCKS_IN_MEMORY * rows * width * bytes_per_pixel <= budget


def test_budget_needs_a_size():
    with pytest.raises(InputError):
        rows_for_budget(0, 4)


IMAGE = np.arange(90 * 70, dtype=float).reshape(90, 70)
BLOCKS = plan(90, 70, rows=16, columns=11, halo=2)


def double(block: Block, data: np.ndarray) -> np.ndarray:
    return 2 * data[block.inner_slices]


def read_image(block: Block) -> np.ndarray:
    return IMAGE[block.outer.slices]


@pytest.mark.parametrize("workers", [1, 3])
def test_run_gives_the_whole_image_result(workers):
    result = np.full_like(IMAGE, np.nan)

    def keep(block, data):
        result[block.inner.slices] = data

    run(BLOCKS, read_image, double, keep, Progress(), workers=workers)
    np.testing.assert_array_equal(result, 2 * IMAGE)


def test_results_are_consumed_in_block_order_by_one_thread():
    order, threads = [], set()
    random = np.random.default_rng(1)
    naps = {block: float(random.uniform(0, 0.004)) for block in BLOCKS}

    def compute(block, data):
        time.sleep(naps[block])
        return data

    def consume(block, _):
        order.append(block)
        threads.add(threading.get_ident())

    run(BLOCKS, read_image, compute, consume, Progress(), workers=4)
    assert order == BLOCKS
    assert len(threads) == 1


def test_reading_happens_on_one_thread_and_computing_in_the_caller():
    readers, computers = set(), set()

    def read(block):
        readers.add(threading.get_ident())
        return 0

    def compute(block, data):
        computers.add(threading.get_ident())
        return data

    run(BLOCKS, read, compute, lambda *_: None, Progress())
    assert len(readers) == 1
    assert computers == {threading.get_ident()}
    assert readers.isdisjoint(computers)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("slow", ["compute", "consume"])
def test_number_of_blocks_in_memory_is_bounded(workers, slow):
    alive, most = 0, 0
    lock = threading.Lock()

    class Data:
        def __init__(self):
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)

        def __del__(self):
            nonlocal alive
            with lock:
                alive -= 1

    def nap(step):
        if step == slow:
            time.sleep(0.003)

    def compute(block, data):
        nap("compute")
        return data

    def consume(block, data):
        nap("consume")

    run(BLOCKS, lambda _: Data(), compute, consume, Progress(), workers=workers)
    assert most <= workers + BLOCKS_IN_MEMORY - 1
    assert alive == 0


def gossan_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("gossan-")]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("step", ["read", "compute", "consume"])
@pytest.mark.parametrize("at", [0, 7, len(BLOCKS) - 1])
def test_an_error_of_any_step_reaches_the_caller_and_no_thread_stays(workers, step, at):
    begun = []

    def fail(name, block):
        if name == "read":
            begun.append(block)
        if name == step and block == BLOCKS[at]:
            raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError, match=step):
        run(
            BLOCKS,
            lambda block: fail("read", block),
            lambda block, _: fail("compute", block),
            lambda block, _: fail("consume", block),
            Progress(),
            workers=workers,
        )
    assert gossan_threads() == []
    assert len(begun) <= at + 2 * (workers + BLOCKS_IN_MEMORY)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("slow", ["read", "compute", "consume"])
def test_cancel_ends_the_run_within_a_block(workers, slow):
    cancelled = threading.Event()
    consumed = []

    def nap(name):
        if name == slow:
            time.sleep(0.02)

    def consume(block, _):
        nap("consume")
        consumed.append(block)

    timer = threading.Timer(0.1, cancelled.set)
    timer.start()
    begin = time.monotonic()
    with pytest.raises(CancelledError):
        run(
            plan(1000, 1, rows=1, columns=1),
            lambda _: nap("read"),
            lambda *_: nap("compute"),
            consume,
            Progress(cancelled=cancelled.is_set),
            workers=workers,
        )
    assert time.monotonic() - begin < 2
    assert len(consumed) < 100
    assert gossan_threads() == []


def test_cancelled_before_the_start_reads_nothing():
    with pytest.raises(CancelledError):
        run(
            BLOCKS,
            lambda _: pytest.fail("must not read"),
            double,
            lambda *_: None,
            Progress(cancelled=lambda: True),
        )


def test_interrupt_in_the_caller_leaves_no_thread():
    def compute(block, data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(BLOCKS, read_image, compute, lambda *_: None, Progress())
    assert gossan_threads() == []


def test_progress_tells_the_share_of_pixels():
    told = []
    blocks = plan(10, 4, rows=8, columns=4)
    run(blocks, lambda _: 0, lambda *_: 0, lambda *_: None, Progress(on_fraction=told.append))
    assert told == pytest.approx([0.8, 1.0])


def test_an_empty_plan_does_nothing():
    run([], read_image, double, lambda *_: pytest.fail("nothing to consume"), Progress())


def test_run_needs_a_computing_thread():
    with pytest.raises(InputError):
        run(BLOCKS, read_image, double, lambda *_: None, Progress(), workers=0)


def test_long_runs_tell_the_time_left_at_a_sensible_rate():
    now, said = [0.0], []
    blocks = plan(100, 1, rows=1, columns=1)
    pixels = PixelProgress(blocks, Progress(on_message=said.append), clock=lambda: now[0])
    for block in blocks:
        now[0] += 2.0
        pixels.finished(block)
    assert said[0] == "8% done, about 3 min left."
    assert 4 <= len(said) <= 7
    assert said[-1].endswith("s left.")


def test_short_runs_say_nothing():
    now, said = [0.0], []
    pixels = PixelProgress(BLOCKS, Progress(on_message=said.append), clock=lambda: now[0])
    for block in BLOCKS:
        now[0] += 0.2
        pixels.finished(block)
    assert said == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1 s"),
        (18, "20 s"),
        (54, "55 s"),
        (58, "1 min"),
        (125, "2 min"),
        (3600, "1 h"),
        (3 * 3600 + 610, "3 h 10 min"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_execute_without_an_address_runs_here_in_block_order():
    found = []

    def total(block, *, factor):
        return factor * IMAGE[block.inner.slices].sum()

    execute(
        "",
        BLOCKS,
        total,
        lambda block, value: found.append((block, value)),
        Progress(),
        arguments={"factor": 3.0},
    )
    assert [block for block, _ in found] == BLOCKS
    assert sum(value for _, value in found) == pytest.approx(3 * IMAGE.sum())


def test_the_local_path_imports_no_dask():
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from gossan.core.blocks import Window, Block, execute\n"
        "from gossan.core.progress import Progress\n"
        "w = Window(0, 0, 1, 1)\n"
        "execute(None, [Block(w, w)], lambda b: 1, lambda b, y: None, Progress(), arguments={})\n"
        "assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_windows_index_arrays():
    assert IMAGE[Window(2, 3, 4, 5).slices].shape == (4, 5)
    assert Window(2, 3, 4, 5).pixels == 20
