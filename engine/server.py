"""The engine: runs jobs that arrive on standard input, one after the other.

Started as a script (``python -I <plugin folder>/engine/server.py``) by `gossan.engine.client`.
It finds the package ``gossan`` by its own place, whatever the plugin's folder is called.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def _find_package() -> None:
    """Make the folder above this one importable as ``gossan``."""
    root = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location(
        "gossan", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{root} is not the folder of Gossan.")
    package = importlib.util.module_from_spec(spec)
    sys.modules["gossan"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    _find_package()

import contextlib  # noqa: E402
import faulthandler  # noqa: E402
import gc  # noqa: E402
import inspect  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import queue  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
from collections.abc import Callable, Mapping  # noqa: E402
from typing import Any, BinaryIO  # noqa: E402

from gossan.core.errors import CancelledError, GossanError, InputError  # noqa: E402
from gossan.core.origin import gossan_version  # noqa: E402
from gossan.core.progress import Progress  # noqa: E402
from gossan.engine import environment, protocol  # noqa: E402
from gossan.models import registry  # noqa: E402

PROGRESS_INTERVAL = 0.05
"""Seconds between two reports of progress at least."""


def main() -> None:
    """Greet, then run jobs until the client says quit or is gone."""
    requests, answers = _take_streams()
    # Ctrl+C in a terminal reaches the whole group; the client decides what it means for a job.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(sys.stderr)
    _prepare_variables()
    _offer_itself_first()
    channel = Channel(answers)
    desk = Desk(requests)
    desk.start()
    channel.send(
        protocol.Hello(protocol.PROTOCOL, gossan_version(), platform.python_version(), os.getpid())
    )
    while True:
        channel.send(run_job(desk.jobs.get(), channel, desk.cancelled))
        gc.collect()


def run_job(
    job: protocol.Job, channel: Channel, cancelled: set[int]
) -> protocol.Result | protocol.Failure | protocol.Cancelled:
    """Run one job and return the message that ends it; never raises."""
    reports = Reports(channel, job.id)
    progress = Progress(
        reports.fraction,
        reports.say,
        reports.warn,
        lambda: job.id in cancelled,
        on_measures=reports.measured,
    )
    try:
        function = registry.load(job.name)
        check_parameters(function, job)
        return protocol.Result(job.id, protocol.plain(function(progress, **job.parameters)))
    except CancelledError:
        return protocol.Cancelled(job.id)
    except GossanError as error:
        return protocol.Failure(job.id, type(error).__name__, str(error))
    except MemoryError as error:
        traceback.print_exc()
        return protocol.Failure(job.id, "MemoryError", _memory_sentence(error))
    except OSError as error:
        traceback.print_exc()
        return protocol.Failure(job.id, "FileError", f"A file could not be used: {error}")
    except Exception as error:  # noqa: BLE001 - the boundary: the client must hear of anything
        traceback.print_exc()
        sentence = (
            f"The job '{job.name}' failed in a way that was not foreseen "
            f"({type(error).__name__}: {error}). Please report it with the log."
        )
        return protocol.Failure(job.id, "internal", sentence)


def check_parameters(function: Callable[..., Any], job: protocol.Job) -> None:
    """Compare a job's parameters with its function's.

    Raises
    ------
    InputError
        If one is missing or unknown.
    """
    known = list(inspect.signature(function).parameters.values())[1:]
    names = {parameter.name for parameter in known}
    required = {parameter.name for parameter in known if parameter.default is parameter.empty}
    missing = sorted(required - set(job.parameters))
    unknown = sorted(set(job.parameters) - names)
    if missing:
        raise InputError(f"The job '{job.name}' lacks the parameter {', '.join(missing)}.")
    if unknown:
        raise InputError(
            f"The job '{job.name}' knows no parameter {', '.join(unknown)}. "
            f"It has: {', '.join(sorted(names)) or 'none'}."
        )


class Channel:
    """The private line to the client, for one message at a time from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: protocol.AnyMessage) -> None:
        """Write one message; end the process where nobody listens any more."""
        line = protocol.encode(message)
        try:
            with self._lock:
                self._stream.write(line)
                self._stream.flush()
        except OSError:
            os._exit(1)


class Desk(threading.Thread):
    """Takes the client's messages while a job runs, and ends the process with the client."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(name="desk", daemon=True)
        self.jobs: queue.Queue[protocol.Job] = queue.Queue()
        self.cancelled: set[int] = set()
        self._stream = stream

    def run(self) -> None:
        """Read until the client closes the line, by wish or by dying."""
        for line in iter(self._stream.readline, b""):
            try:
                message = protocol.decode(line)
            except protocol.ProtocolError as error:
                sys.stderr.write(f"{error}\n")
                continue
            if isinstance(message, protocol.Job):
                self.jobs.put(message)
            elif isinstance(message, protocol.Cancel):
                self.cancelled.add(message.id)
            elif isinstance(message, protocol.Quit):
                break
        os._exit(0)


class Reports:
    """What a job tells on its way, with progress no more often than people can see."""

    def __init__(self, channel: Channel, job: int) -> None:
        self._channel = channel
        self._job = job
        self._last = -math.inf

    def fraction(self, value: float) -> None:
        """Report the finished share."""
        now = time.monotonic()
        if math.isfinite(value) and (value >= 1 or now - self._last >= PROGRESS_INTERVAL):
            self._last = now
            self._channel.send(protocol.Fraction(self._job, value))

    def say(self, text: str) -> None:
        """Report a sentence."""
        self._channel.send(protocol.Message(self._job, text))

    def warn(self, text: str) -> None:
        """Report a warning."""
        self._channel.send(protocol.Warn(self._job, text))

    def measured(self, step: int, values: Mapping[str, float]) -> None:
        """Report points of live curves."""
        self._channel.send(protocol.Measures(self._job, step, dict(values)))


def _take_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the client's line in and out, and keep everyone else off both.

    Libraries, also compiled ones, print to file descriptor 1; that is standard error from here on.
    Duplicates are not inherited, so no grandchild holds the line open.
    """
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout = sys.stderr
    return requests, answers


def _prepare_variables() -> None:
    """Take out the variables that mislead libraries and set those that tame them."""
    kept = environment.child_environment(dict(os.environ))
    for name in set(os.environ) - set(kept):
        del os.environ[name]
    cache = environment.cache_folder(Path(sys.prefix))
    os.environ["GDAL_CACHEMAX"] = "64"
    os.environ["NUMBA_CACHE_DIR"] = str(cache / "numba")
    os.environ["MPLCONFIGDIR"] = str(cache / "matplotlib")
    os.environ["MPLBACKEND"] = "Agg"
    # Work is parallel by blocks. Threads of BLAS wait for each other by spinning: where another
    # program keeps one processor busy, a product of matrices takes fifty times as long with them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _offer_itself_first() -> None:
    """Where memory runs out, let Linux end the engine and not QGIS with its project."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


def _memory_sentence(error: MemoryError) -> str:
    asked = f" ({error})" if str(error) else ""
    return (
        f"There was not enough memory{asked}. Use fewer bands or a smaller part of the image, or "
        "close other programs, and run again."
    )


if __name__ == "__main__":
    main()
