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

import contextlib
import functools
import io
import socket
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, TypeVar
from urllib.parse import urlsplit

import gossan
from gossan.core.blocks import Block, PixelProgress
from gossan.core.errors import GossanError, InputError
from gossan.core.origin import gossan_version
from gossan.core.progress import Progress

WAIT_SECONDS = 30.0
"""How long a run waits for the first worker."""

CONNECT_SECONDS = 10.0
"""How long a run waits for a scheduler that does not answer."""

BLOCKS_PER_THREAD = 3
"""Blocks in flight per worker thread: one computed, the others on their way."""

_POLL_SECONDS = 0.2
_LONGEST_GREETING = 1 << 20
_SHIPPED_FOLDERS = ("core", "models")
_SHIPPED_SUFFIXES = (".py", ".json", ".csv", ".txt", ".gossan")

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
    thread, as by the local path; a block whose worker dies is computed again elsewhere.

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
    with _connected(distributed, address, wait_seconds, progress) as client:
        threads = _wait_for_workers(client, address, wait_seconds, progress)
        _match_versions(client, progress)
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
                future = self._futures[index]
                self._wait(future, progress, wait_seconds)
                result = self._result(future, block)
                del self._futures[index], future
                self._fill()
                consume(block, result)
                del result
                pixels.finished(block)
        finally:
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

    def _wait(self, future: Any, progress: Progress, wait_seconds: float) -> None:
        """Wait for one result, and notice cancellation and the loss of all workers meanwhile."""
        import distributed

        deserted_since: float | None = None
        while not future.done():
            progress.check()
            try:
                future.exception(timeout=_POLL_SECONDS)
            except distributed.TimeoutError:
                if self._client.status != "running":
                    raise GossanError(
                        "The connection to the Dask scheduler was lost. Start it and run again."
                    ) from None
                if self._client.scheduler_info()["workers"]:
                    deserted_since = None
                    continue
                deserted_since = deserted_since or time.monotonic()
                if time.monotonic() - deserted_since > wait_seconds:
                    raise GossanError(
                        f"All Dask workers have gone, and none came back for {wait_seconds:.0f} s. "
                        "Start workers and run again."
                    ) from None

    def _result(self, future: Any, block: Block) -> Any:
        import distributed

        try:
            return future.result()
        except distributed.KilledWorker as problem:
            raise GossanError(
                "Several Dask workers died one after another over the block at row "
                f"{block.inner.row}, column {block.inner.column}; most likely they ran out of "
                "memory. Give the workers more memory or choose smaller blocks."
            ) from problem
        except distributed.CancelledError as problem:
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


@contextlib.contextmanager
def _connected(
    distributed: Any, address: str, wait_seconds: float, progress: Progress
) -> Iterator[Any]:
    wait_seconds = min(wait_seconds, CONNECT_SECONDS)
    _reach(address, wait_seconds, progress)
    try:
        client = distributed.Client(address, timeout=wait_seconds, set_as_default=False)
    except (OSError, ValueError, distributed.TimeoutError) as problem:
        raise _not_a_scheduler(address) from problem
    try:
        yield client
    finally:
        client.close()


def _reach(address: str, wait_seconds: float, progress: Progress) -> None:
    """Wait until a scheduler listens there: Dask's own waiting cannot be cancelled."""
    host, port, scheme = _parts(address)
    end = time.monotonic() + wait_seconds
    while True:
        progress.check()
        try:
            with socket.create_connection((host, port), timeout=1.0) as connection:
                if scheme == "tcp" and not _greets_like_a_scheduler(connection, progress, end):
                    raise _not_a_scheduler(address)
                return
        except socket.gaierror as problem:
            raise InputError(
                f"The host {host!r} of the Dask scheduler {address} is not known here. Check the "
                "address."
            ) from problem
        except OSError as problem:
            if time.monotonic() > end:
                raise GossanError(
                    f"No Dask scheduler answers at {address}. Check the address (such as "
                    "tcp://10.0.0.5:8786), that the scheduler runs, and the firewalls between."
                ) from problem
            time.sleep(_POLL_SECONDS)


def _parts(address: str) -> tuple[str, int, str]:
    """Return host, port and scheme of a scheduler's address."""
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        host, port, scheme = parts.hostname, parts.port, parts.scheme
    except ValueError:
        host, port, scheme = None, None, ""
    if not host or not port or scheme not in ("tcp", "tls"):
        raise InputError(
            f"{address!r} is not the address of a Dask scheduler; give one such as "
            "tcp://10.0.0.5:8786."
        )
    return host, port, scheme


def _greets_like_a_scheduler(connection: socket.socket, progress: Progress, end: float) -> bool:
    """Tell whether the first thing said is the size of a short message, as in Dask's protocol.

    Dask's client would wait without end for the greeting of a stranger.
    """
    connection.settimeout(_POLL_SECONDS)
    greeting = b""
    while len(greeting) < 8:
        progress.check()
        try:
            received = connection.recv(8 - len(greeting))
        except socket.timeout:  # not a TimeoutError before Python 3.10
            received = None
        if received == b"" or (received is None and time.monotonic() > end):
            return False
        greeting += received or b""
    return int.from_bytes(greeting, "little") < _LONGEST_GREETING


def _not_a_scheduler(address: str) -> GossanError:
    return GossanError(
        f"What answers at {address} is not a Dask scheduler, or one of another version. Check the "
        "address, and that Dask is of the same version there."
    )


def _wait_for_workers(client: Any, address: str, wait_seconds: float, progress: Progress) -> int:
    """Return the number of worker threads once there are any."""
    end = time.monotonic() + wait_seconds
    while True:
        progress.check()
        workers = client.scheduler_info()["workers"]
        if workers:
            return sum(worker["nthreads"] for worker in workers.values())
        if time.monotonic() > end:
            raise GossanError(
                f"The Dask scheduler at {address} has no workers; waited {wait_seconds:.0f} s. "
                f"Start some with: dask worker {address}"
            )
        time.sleep(_POLL_SECONDS)


def _match_versions(client: Any, progress: Progress) -> None:
    """Make sure that every worker has this Gossan; those that have none are sent it."""
    here = gossan_version()
    ask = _version_question()
    found = client.run(ask)
    if None in found.values():
        progress.say("Sending Gossan to the Dask workers that lack it.")
        client.register_plugin(_delivery(package_as_zip()), name=f"gossan-{here}")
        found = client.run(ask)
    others = {worker: version for worker, version in found.items() if version != here}
    if others:
        worker, version = sorted(others.items())[0]
        raise GossanError(
            f"{len(others)} of {len(found)} Dask workers have another Gossan than this one "
            f"({here}): {worker} has {version or 'none'}. Update Gossan there and start the "
            "workers again."
        )


def _version_question() -> Callable[[], str | None]:
    """Return a function that travels by value: it must run where no Gossan is installed."""

    def version_there() -> str | None:
        try:
            from gossan.core.origin import gossan_version
        except ImportError:
            return None
        return gossan_version()

    return version_there


def _delivery(archive: bytes) -> Any:
    """Return a worker plugin that brings Gossan along, also to workers that join later."""
    from distributed import WorkerPlugin

    class BringGossan(WorkerPlugin):
        def setup(self, worker: Any) -> None:
            import importlib
            import importlib.util
            import os
            import sys

            if importlib.util.find_spec("gossan") is None:
                path = os.path.join(worker.local_directory, "gossan.zip")
                with open(path, "wb") as stream:
                    stream.write(archive)
                sys.path.insert(0, path)
                importlib.invalidate_caches()

    return BringGossan()


def package_as_zip() -> bytes:
    """Return the science of the installed Gossan as an importable ZIP, always the same bytes."""
    root = Path(str(gossan.__file__)).parent
    files = [root / "__init__.py", root / "metadata.txt"]
    for folder in _SHIPPED_FOLDERS:
        files += sorted(
            path for path in (root / folder).rglob("*") if path.suffix in _SHIPPED_SUFFIXES
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            if path.is_file():
                name = f"gossan/{path.relative_to(root).as_posix()}"
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), path.read_bytes())
    return stream.getvalue()
