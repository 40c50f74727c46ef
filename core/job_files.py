"""The files of a job: refused before the work where they cannot be, gone where the work fails."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from gossan.core.errors import FileError, InputError
from gossan.core.files import require_writable
from gossan.core.folders import require_folder
from gossan.core.progress import Progress

Job = TypeVar("Job", bound=Callable[..., Any])

_WITH_HEADER = (".sli", ".dat", ".img", ".bsq", ".bil", ".bip")


def job_files(
    *,
    reads: Sequence[str],
    writes: Sequence[str],
    folders: Mapping[str, Collection[str]] | None = None,
) -> Callable[[Job], Job]:
    """Guard the files of a job, so that it destroys none and leaves no part of its results.

    A job may write several files, one after the other, at the end of hours of work. Guarded, it
    refuses outputs that cannot be written, that are given twice or that are its own inputs before
    it starts, and when it fails or is cancelled it takes back those that it has finished.

    Parameters
    ----------
    reads, writes : sequence of str
        Names of the job's parameters that hold paths, or sequences of paths; empty ones count as
        not given.
    folders : mapping, optional
        Names of the parameters that hold folders to be written, each with the names of what an
        earlier run may have left there.

    Returns
    -------
    callable
        Decorator of jobs, which are called with progress and keyword arguments.
    """

    def guard(job: Job) -> Job:
        @functools.wraps(job)
        def guarded(progress: Progress, **parameters: Any) -> Any:
            outputs = _given(parameters, writes)
            inputs = _given(parameters, reads)
            whole = _given(parameters, list(folders or ()))
            _check_folders(whole, inputs, outputs, folders or {})
            check_outputs(outputs, inputs)
            with complete_or_absent([path for _, path in [*outputs, *whole]]):
                return job(progress, **parameters)

        return cast("Job", guarded)

    return guard


def check_outputs(outputs: Sequence[tuple[str, str]], inputs: Sequence[tuple[str, str]]) -> None:
    """Refuse outputs that would destroy something or cannot be written.

    Parameters
    ----------
    outputs, inputs : sequence of (str, str)
        What each file is, for messages, and its path.

    Raises
    ------
    InputError
        When two outputs are one file, or an output is an input or the header of another file.
    FileError
        When an output cannot be written where it is wanted.
    """
    for number, (name, path) in enumerate(outputs):
        for other, second in outputs[:number]:
            if _meet(path, second):
                raise InputError(
                    f"{path} is given for two outputs ({other} and {name}). Give each a file of "
                    "its own."
                )
        for other, source in inputs:
            if _meet(path, source):
                raise InputError(
                    f"{path} would overwrite the input {source} ({other}). Choose another file "
                    f"for the output ({name})."
                )
        header = Path(path).with_suffix(".hdr")
        if path.lower().endswith(".sli") and header.exists() and not os.path.exists(path):
            raise FileError(
                f"{path} would overwrite {header}, the header of another file. Choose another "
                f"name for the output ({name})."
            )
    for _, path in outputs:
        require_writable(path)


@contextlib.contextmanager
def complete_or_absent(outputs: Sequence[str]) -> Iterator[None]:
    """Remove the outputs that appeared inside the block where it does not end well."""
    family = [member for path in outputs for member in _family(path)]
    absent = [member for member in family if not member.exists()]
    try:
        yield
    except BaseException:
        for member in absent:
            with contextlib.suppress(OSError):
                if member.is_dir():
                    shutil.rmtree(member)
                else:
                    member.unlink()
        raise


def _check_folders(
    folders: Sequence[tuple[str, str]],
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[tuple[str, str]],
    replaces: Mapping[str, Collection[str]],
) -> None:
    for name, path in folders:
        real = _real(Path(path))
        for other, source in inputs:
            if _real(Path(source)) == real or _real(Path(source)).startswith(real + os.sep):
                raise InputError(
                    f"{path} would overwrite the input {source} ({other}). Choose another folder "
                    f"for the output ({name})."
                )
        for other, second in outputs:
            if _real(Path(second)) == real:
                raise InputError(
                    f"{path} is given for two outputs ({name} and {other}). Give each a name of "
                    "its own."
                )
        require_folder(path, replaces=replaces[name])


def _given(parameters: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    given: list[tuple[str, str]] = []
    for name in names:
        value = parameters.get(name)
        paths = [value] if isinstance(value, (str, os.PathLike)) else (value or [])
        given += [(name, os.fspath(path)) for path in paths if os.fspath(path)]
    return given


def _family(path: str) -> list[Path]:
    """Return a file and those that belong to it by their names."""
    own = Path(path)
    family = [own, Path(f"{path}.aux.xml"), Path(f"{path}.ovr"), Path(f"{path}.hdr")]
    if own.suffix.lower() in _WITH_HEADER:
        family.append(own.with_suffix(".hdr"))
    return family


def _meet(path: str, other: str) -> bool:
    """Tell whether two files, or those that belong to them, are the same."""
    mine, others = ({_real(member) for member in _family(each)} for each in (path, other))
    return bool(mine & others)


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
