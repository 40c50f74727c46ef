"""Running a computation over the blocks of a window plan, here or on Dask.

A scene never sits in memory whole: one thread reads ahead, the caller computes, one thread
writes, and the number of blocks between reading and writing is bounded.
"""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, NamedTuple, TypeVar

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.core.windows import (
    BLOCKS_IN_MEMORY,
    DATA_BUDGET,
    Block,
    Window,
    plan,
    rows_for_budget,
)

__all__ = [
    "BLOCKS_IN_MEMORY",
    "DATA_BUDGET",
    "Block",
    "PixelProgress",
    "Window",
    "duration",
    "execute",
    "plan",
    "rows_for_budget",
    "run",
    "run_distributed",
]

_POLL_SECONDS = 0.1
_FIRST_ESTIMATE_SECONDS = 15.0
_ESTIMATE_EVERY_SECONDS = 30.0
_SHORTEST_ESTIMATE_SECONDS = 15.0

_Read = TypeVar("_Read")
_Computed = TypeVar("_Computed")


def run(
    blocks: Iterable[Block],
    read: Callable[[Block], _Read],
    compute: Callable[[Block, _Read], _Computed],
    consume: Callable[[Block, _Computed], None],
    progress: Progress,
    *,
    workers: int = 1,
) -> None:
    """Read, compute and write block by block, all three at the same time.

    ``read`` runs on one thread (raster handles are not thread-safe), ``compute`` in the calling
    thread or on ``workers`` threads, ``consume`` on one other thread and in the order of the
    blocks. At most ``workers + 2`` blocks are alive at once. An error in any of the three, or
    cancellation, is raised here after the step that each thread is in, and no thread is left.

    Parameters
    ----------
    blocks : iterable of Block
        Usually from `plan`.
    read : callable
        ``read(block) -> data``.
    compute : callable
        ``compute(block, data) -> result``; must be thread-safe with more than one worker.
    consume : callable
        ``consume(block, result)``.
    progress : Progress
        Told the finished share of the pixels, and for long runs the time left.
    workers : int
        Computing threads. With 1, the calling thread computes.

    Raises
    ------
    CancelledError
        When the progress says so.
    """
    steps = list(blocks)
    if workers < 1:
        raise InputError(f"{workers} computing threads cannot work; give at least 1.")
    _Pipeline(steps, read, compute, consume, progress, workers).run()


def execute(
    address: str | None,
    blocks: Sequence[Block],
    function: Callable[..., _Computed],
    consume: Callable[[Block, _Computed], None],
    progress: Progress,
    *,
    arguments: Mapping[str, Any],
) -> None:
    """Run ``function(block, **arguments)`` over all blocks, here or on Dask workers.

    Parameters
    ----------
    address : str or None
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``; empty or None runs here,
        where no Dask needs to be installed.
    blocks : sequence of Block
    function : callable
        A function at the top level of a module of Gossan that opens its files itself, so that
        only paths and windows travel.
    consume : callable
        ``consume(block, result)``, called in block order.
    progress : Progress
    arguments : mapping
        Plain values for ``function``.
    """
    if address:
        run_distributed(address, blocks, function, consume, progress, arguments=arguments)
        return
    # The function opens and reads files itself, hence it runs where reading is allowed.
    run(
        blocks,
        lambda block: function(block, **arguments),
        lambda _, result: result,
        consume,
        progress,
    )


def run_distributed(
    address: str,
    blocks: Sequence[Block],
    function: Callable[..., _Computed],
    consume: Callable[[Block, _Computed], None],
    progress: Progress,
    *,
    arguments: Mapping[str, Any],
    wait_seconds: float = 30.0,
) -> None:
    """Run ``function(block, **arguments)`` over all blocks on Dask workers.

    See `gossan.core.distributed.run_distributed`; Dask is imported on this call only.
    """
    from gossan.core import distributed

    distributed.run_distributed(
        address,
        blocks,
        function,
        consume,
        progress,
        arguments=arguments,
        wait_seconds=wait_seconds,
    )


class PixelProgress:
    """Tells a `Progress` the finished share of the pixels and, for long runs, the time left.

    Parameters
    ----------
    blocks : sequence of Block
        All that there is to do.
    progress : Progress
    clock : callable
        Seconds from any start.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        progress: Progress,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total = sum(block.inner.pixels for block in blocks)
        self._done = 0
        self._progress = progress
        self._clock = clock
        self._start = clock()
        self._next_estimate = self._start + _FIRST_ESTIMATE_SECONDS

    def finished(self, block: Block) -> None:
        """Count a block as done; raises `CancelledError` once the run was cancelled."""
        self._done += block.inner.pixels
        share = self._done / self._total
        self._progress.fraction(share)
        now = self._clock()
        if now < self._next_estimate:
            return
        self._next_estimate = now + _ESTIMATE_EVERY_SECONDS
        left = (now - self._start) * (1 - share) / share
        if left >= _SHORTEST_ESTIMATE_SECONDS:
            self._progress.say(f"{share:.0%} done, about {duration(left)} left.")


def duration(seconds: float) -> str:
    """Return a length of time as a person would say it: ``20 s``, ``2 min``, ``1 h 10 min``."""
    if seconds < 55:
        return f"{max(5 * round(seconds / 5), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{max(minutes, 1)} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


class _Event(NamedTuple):
    """What a thread tells the caller: a block was read, computed or written, or a step failed."""

    kind: str
    block: int
    payload: Any


class _Pipeline(Generic[_Read, _Computed]):
    """One run: the caller waits for events, and everything else follows from them."""

    def __init__(
        self,
        blocks: list[Block],
        read: Callable[[Block], _Read],
        compute: Callable[[Block, _Read], _Computed],
        consume: Callable[[Block, _Computed], None],
        progress: Progress,
        workers: int,
    ) -> None:
        self._blocks = blocks
        self._read, self._compute, self._consume = read, compute, consume
        self._progress = progress
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._to_write: queue.SimpleQueue[tuple[int, Any] | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(workers + BLOCKS_IN_MEMORY - 1)
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, "gossan-compute") if workers > 1 else None
        self._computed: dict[int, Any] = {}
        self._next_to_write = 0

    def run(self) -> None:
        self._progress.check()
        threads = [
            threading.Thread(target=self._guarded, args=(loop,), name=name, daemon=True)
            for loop, name in [(self._read_all, "gossan-read"), (self._write_all, "gossan-write")]
        ]
        for thread in threads:
            thread.start()
        try:
            self._follow_events()
        finally:
            self._stop.set()
            self._room.release()
            self._to_write.put(None)
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
            for thread in threads:
                thread.join()

    def _follow_events(self) -> None:
        pixels = PixelProgress(self._blocks, self._progress)
        written = 0
        while written < len(self._blocks):
            try:
                event = self._events.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                self._progress.check()
                continue
            if event.kind == "failed":
                raise event.payload
            if event.kind == "written":
                written += 1
                pixels.finished(self._blocks[event.block])
            else:
                self._progress.check()
                self._advance(event)
            # A name would keep the block's data alive while the next one is waited for.
            del event

    def _advance(self, event: _Event) -> None:
        if event.kind == "computed":
            self._write_in_order(event.block, event.payload)
        elif self._pool is None:
            block = self._blocks[event.block]
            self._write_in_order(event.block, self._compute(block, event.payload))
        else:
            future = self._pool.submit(self._compute, self._blocks[event.block], event.payload)
            future.add_done_callback(functools.partial(self._report, event.block))

    def _report(self, index: int, done: Future[Any]) -> None:
        if done.cancelled():
            return
        problem = done.exception()
        if problem is not None:
            self._events.put(_Event("failed", index, problem))
        else:
            self._events.put(_Event("computed", index, done.result()))

    def _write_in_order(self, index: int, result: Any) -> None:
        self._computed[index] = result
        while self._next_to_write in self._computed:
            self._to_write.put((self._next_to_write, self._computed.pop(self._next_to_write)))
            self._next_to_write += 1

    def _guarded(self, loop: Callable[[], None]) -> None:
        try:
            loop()
        except BaseException as problem:  # noqa: BLE001 - handed to the caller, who raises it
            self._events.put(_Event("failed", -1, problem))

    def _read_all(self) -> None:
        for index, block in enumerate(self._blocks):
            self._room.acquire()
            if self._stop.is_set():
                return
            self._events.put(_Event("read", index, self._read(block)))

    def _write_all(self) -> None:
        while True:
            item = self._to_write.get()
            if item is None or self._stop.is_set():
                return
            self._consume(self._blocks[item[0]], item[1])
            index = item[0]
            del item
            self._room.release()
            self._events.put(_Event("written", index, None))
