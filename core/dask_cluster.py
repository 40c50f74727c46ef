"""Reaching a Dask scheduler, and making sure that its workers have the same Gossan."""

from __future__ import annotations

import contextlib
import io
import socket
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

import gossan
from gossan.core.errors import GossanError, InputError
from gossan.core.origin import gossan_version
from gossan.core.progress import Progress

CONNECT_SECONDS = 10.0
"""How long a run waits for a scheduler that does not answer."""

_POLL_SECONDS = 0.2
_LONGEST_GREETING = 1 << 20
_SHIPPED_FOLDERS = ("core", "models")
_SHIPPED_SUFFIXES = (".py", ".json", ".csv", ".txt", ".gossan")


@contextlib.contextmanager
def connected(
    distributed: Any, address: str, wait_seconds: float, progress: Progress
) -> Iterator[Any]:
    """Give a client of the scheduler at ``address``, closed afterwards.

    Raises
    ------
    InputError
        When that is no address.
    GossanError
        When nothing answers there, or something else than a scheduler.
    """
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


def wait_for_workers(client: Any, address: str, wait_seconds: float, progress: Progress) -> int:
    """Return the number of worker threads once there are any.

    Raises
    ------
    GossanError
        When there is no worker in time.
    """
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


def match_versions(client: Any, progress: Progress) -> None:
    """Make sure that every worker has this Gossan; those that have none are sent it.

    Raises
    ------
    GossanError
        When a worker has another version.
    """
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
