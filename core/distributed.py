"""Running a computation over blocks on the workers of a Dask scheduler.

Workers receive paths and windows, never arrays; they open the files themselves and hand back
small results or write tiles. Scheduler and workers load whatever they are sent, so Dask belongs
on trusted networks.

A function that needs a model loads it once per worker, not once per block, by a cached loader
keyed by the file and its fingerprint, so that another model at the same path is not mistaken
for the first one::

    @functools.lru_cache(maxsize=2)
    def _model(path: str, fingerprint: str) -> Forest: ...


    def map_block(block: Block, *, scene: str, model: str, fingerprint: str) -> np.ndarray:
        forest = _model(model, fingerprint)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Callable, TypeVar

from gossan.core.blocks import Block, PixelProgress
from gossan.core.dask_cluster import connected, match_versions, wait_for_workers
from gossan.core.errors import GossanError
from gossan.core.progress import Progress

WAIT_SECONDS = 30.0
"""How long a run waits for the first worker."""

BLOCKS_PER_THREAD = 3
"""Blocks in flight per worker thread: one computed, the others on their way."""

_POLL_SECONDS = 0.2

_Result = TypeVar("_Result")


def run_distributed(
    address: str,
    blocks: Sequence[Block],
    function: Callable[..., _Result],
    consume: Callable[[Block, _Result], None],
    progress: Progress,
    *,
    arguments: Mapping[str, Any],
    wait_seconds: float = WAIT_SECONDS,
) -> None:
    """Run ``function(block, **arguments)`` over all blocks on Dask workers.

    The number of blocks in flight is bounded. Results are consumed in block order, in the calling
    thread; a block whose worker dies is computed again elsewhere. Should a worker die that holds
    a result, the scheduler looks for it for a while first (its setting
    ``distributed.comm.timeouts.connect``, 30 s).

    Parameters
    ----------
    address : str
        Address of the scheduler, such as ``tcp://10.0.0.5:8786``.
    blocks : sequence of Block
    function : callable
        A function at the top level of a module of Gossan. It must give the same result when it is
        run again.
    consume : callable
        ``consume(block, result)``.
    progress : Progress
    arguments : mapping
        Plain values; paths must be valid on the workers.
    wait_seconds : float
        How long to wait for the scheduler and for the first worker.

    Raises
    ------
    GossanError
        When Dask is not installed, the scheduler is not reached, no worker comes in time, another
        version of Gossan runs there, or workers keep dying.
    CancelledError
        When the run was cancelled; blocks that had not begun are withdrawn.
    """
    distributed = _dask()
    progress.check()
    with connected(distributed, address, wait_seconds, progress) as client:
        threads = wait_for_workers(client, address, wait_seconds, progress)
        match_versions(client, progress)
        progress.say(f"Computing on {threads} Dask worker threads at {address}.")
        _Submission(client, blocks, function, arguments, BLOCKS_PER_THREAD * threads).run(
            consume, PixelProgress(blocks, progress), progress, wait_seconds
        )


class _Submission:
    """The blocks of one run: some waiting, a bounded number in flight, the rest consumed."""

    def __init__(
        self,
        client: Any,
        blocks: Sequence[Block],
        function: Callable[..., Any],
        arguments: Mapping[str, Any],
        in_flight: int,
    ) -> None:
        self._client = client
        self._blocks = blocks
        # Not as keywords of submit(), which has parameters of its own of the same names.
        self._function = functools.partial(function, **arguments)
        self._name = f"gossan-{uuid.uuid4().hex}"
        self._limit = max(in_flight, 2)
        self._futures: dict[int, Any] = {}
        self._fetches: dict[int, concurrent.futures.Future[Any]] = {}
        self._submitted = 0

    def run(
        self,
        consume: Callable[[Block, Any], None],
        pixels: PixelProgress,
        progress: Progress,
        wait_seconds: float,
    ) -> None:
        """Consume all results in block order; withdraw what is in flight if anything fails."""
        try:
            for index, block in enumerate(self._blocks):
                self._fill()
                # The next result travels while this one is consumed.
                fetch = self._fetch(index)
                if index + 1 in self._futures:
                    self._fetch(index + 1)
                self._wait(fetch, progress, wait_seconds)
                result = _outcome(fetch, block)
                del self._futures[index], self._fetches[index], fetch
                self._fill()
                consume(block, result)
                del result
                pixels.finished(block)
        finally:
            for fetch in self._fetches.values():
                fetch.cancel()
            self._fetches.clear()
            if self._futures:
                self._client.cancel(list(self._futures.values()), force=True)
                self._futures.clear()

    def _fill(self) -> None:
        while self._submitted < len(self._blocks) and len(self._futures) < self._limit:
            self._futures[self._submitted] = self._client.submit(
                self._function,
                self._blocks[self._submitted],
                key=f"{self._name}-{self._submitted}",
                pure=False,
                # Results are consumed in block order, so earlier blocks are worth more.
                priority=-self._submitted,
            )
            self._submitted += 1

    def _fetch(self, index: int) -> concurrent.futures.Future[Any]:
        """Start to wait for a result and to bring it here, on the thread that Dask talks on."""
        if index not in self._fetches:
            self._fetches[index] = asyncio.run_coroutine_threadsafe(
                self._client.gather(self._futures[index], asynchronous=True),
                self._client.loop.asyncio_loop,
            )
        return self._fetches[index]

    def _wait(
        self,
        fetch: concurrent.futures.Future[Any],
        progress: Progress,
        wait_seconds: float,
    ) -> None:
        """Wait for one result, and notice cancellation and the loss of all workers meanwhile."""
        deserted_since: float | None = None
        while not concurrent.futures.wait([fetch], timeout=_POLL_SECONDS).done:
            progress.check()
            if self._client.status != "running":
                raise GossanError(
                    "The connection to the Dask scheduler was lost. Start it and run again."
                )
            if self._client.scheduler_info()["workers"]:
                deserted_since = None
                continue
            deserted_since = deserted_since or time.monotonic()
            if time.monotonic() - deserted_since > wait_seconds:
                raise GossanError(
                    f"All Dask workers have gone, and none came back for {wait_seconds:.0f} s. "
                    "Start workers and run again."
                )


def _outcome(fetch: concurrent.futures.Future[Any], block: Block) -> Any:
    """Return the result of a block, or raise what kept it from one."""
    import distributed

    try:
        return fetch.result()
    except distributed.KilledWorker as problem:
        raise GossanError(
            "Several Dask workers died one after another over the block at row "
            f"{block.inner.row}, column {block.inner.column}; most likely they ran out of "
            "memory. Give the workers more memory or choose smaller blocks."
        ) from problem
    except (distributed.CancelledError, concurrent.futures.CancelledError) as problem:
        raise GossanError(
            "The Dask scheduler has withdrawn a block or was lost. Run again."
        ) from problem


def _dask() -> Any:
    try:
        import distributed
    except ImportError as problem:
        raise GossanError(
            "A Dask scheduler was given, but Dask is not installed in Gossan's engine. Install "
            "the packages dask and distributed there, or leave the address empty."
        ) from problem
    return distributed
