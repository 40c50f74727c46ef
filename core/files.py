"""Outputs that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from gossan.core.errors import FileError, UnwritableError

PART = "gossan-part"

_SIDECARS = {".aux.xml", ".msk", ".ovr"}
"""Endings of what GDAL keeps beside a raster and believes more than the raster itself."""

_NO_SPACE = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
_NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS}
_WINDOWS_STILL_ACTIVE = 259
_WINDOWS_QUERY_LIMITED_INFORMATION = 0x1000


@contextlib.contextmanager
def write_then_rename(path: str | os.PathLike[str], *, keep_suffix: bool = False) -> Iterator[Path]:
    """Give a temporary path in the same folder that becomes ``path`` once the block has ended.

    Any exception inside the block, cancellation included, removes the temporary file and leaves
    what stood at ``path`` before untouched. Companions that a driver writes beside the temporary
    file under its full name and a further suffix (``.aux.xml``, ``.ovr``) share its fate.
    Leftovers of killed runs for the same output are removed first.

    Parameters
    ----------
    path : path
        The output.
    keep_suffix : bool
        End the temporary name in the output's suffix, for drivers that choose a format by it.

    Yields
    ------
    Path
        Where to write. Nothing exists there yet.

    Raises
    ------
    FileError
        When the folder is missing, nothing may be written there, the disk is full, or the block
        has written nothing.
    """
    target = Path(path).absolute()
    _check_target(target)
    remove_leftovers(target)
    part = part_path(target, keep_suffix=keep_suffix)
    _probe(part, target)
    try:
        yield part
        if not part.exists():
            raise FileError(f"{target} was not written: its content never reached the disk.")
        _flush_to_disk(part)
        endings = {companion.name[len(part.name) :] for companion in _companions(part)}
        for ending in endings:
            os.replace(f"{part}{ending}", f"{target}{ending}")
        # Those of the file that stood here before would give the new one its names and statistics.
        for ending in _SIDECARS - endings:
            Path(f"{target}{ending}").unlink(missing_ok=True)
        os.replace(part, target)
    except OSError as problem:
        _remove_part(part)
        if isinstance(problem, FileError) or not _concerns(problem, part):
            raise
        raise _writing_error(target, problem) from problem
    except BaseException:
        _remove_part(part)
        raise
    _flush_to_disk(target.parent)


def require_writable(path: str | os.PathLike[str]) -> None:
    """Refuse an output before any work is done for it.

    Raises
    ------
    FileError
        When the folder is missing or read-only, the disk is full, or something that is no file
        has this name.
    """
    target = Path(path).absolute()
    _check_target(target)
    _probe(part_path(target), target)


def remove_leftovers(path: str | os.PathLike[str]) -> list[Path]:
    """Remove the unfinished files and folders that killed runs left beside the output ``path``.

    Those of processes that still run are kept.

    Returns
    -------
    list of Path
        What was removed.
    """
    target = Path(path).absolute()
    pattern = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.{PART}(\..*)?")
    removed = []
    try:
        neighbours = [entry.name for entry in os.scandir(target.parent)]
    except OSError:
        return []
    for name in neighbours:
        match = pattern.fullmatch(name)
        if match and not is_running(int(match.group(1))):
            leftover = target.parent / name
            with contextlib.suppress(OSError):
                if leftover.is_dir() and not leftover.is_symlink():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
                removed.append(leftover)
    return removed


def part_path(path: str | os.PathLike[str], *, keep_suffix: bool = False) -> Path:
    """Return the name under which this process writes ``path`` until it is complete."""
    target = Path(path).absolute()
    suffix = target.suffix if keep_suffix else ""
    return target.with_name(f".{target.name}.{os.getpid()}.{PART}{suffix}")


def is_running(pid: int) -> bool:
    """Tell whether a process with this number runs on this machine."""
    if pid == os.getpid():
        return True
    if os.name == "nt":
        return _is_running_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:
        return True
    return True


def _is_running_on_windows(pid: int) -> bool:
    # os.kill(pid, 0) ends the process on Windows.
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    handle = kernel.OpenProcess(_WINDOWS_QUERY_LIMITED_INFORMATION, False, pid)
    if not handle:
        return False
    try:
        code = ctypes.c_ulong()
        found = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        return bool(found) and code.value == _WINDOWS_STILL_ACTIVE
    finally:
        kernel.CloseHandle(handle)


def _check_target(target: Path) -> None:
    if not target.parent.exists():
        raise FileError(
            f"The folder {target.parent} does not exist, so {target.name} cannot be written. "
            "Create the folder or choose another one."
        )
    if not target.parent.is_dir():
        raise FileError(
            f"{target.parent} is not a folder, so {target.name} cannot be written in it. "
            "Choose another place."
        )
    if target.is_dir():
        raise FileError(f"{target} is a folder. Choose a file name for the output.")
    if target.exists() and not target.is_file():
        # Renaming over it would replace a device, such as /dev/null, for the whole system.
        raise FileError(f"{target} is no ordinary file. Choose another name for the output.")


def _probe(part: Path, target: Path) -> None:
    """Find out by trying: permissions alone do not tell about shares, quotas and mounts."""
    try:
        part.write_bytes(b"")
        part.unlink()
    except OSError as problem:
        _remove_part(part)
        raise _writing_error(target, problem) from problem


def _writing_error(target: Path, problem: OSError) -> UnwritableError:
    if problem.errno in _NO_SPACE:
        return UnwritableError(
            f"{target} cannot be written: the disk is full or the quota is used up. "
            "Free some space or choose another folder."
        )
    if problem.errno in _NOT_ALLOWED:
        return UnwritableError(
            f"{target} cannot be written: the folder is read-only, or the file is open in another "
            "program. Close the file there or choose another folder."
        )
    reason = problem.strerror or str(problem)
    return UnwritableError(
        f"{target} cannot be written: {reason}. Choose another folder or file name."
    )


def _concerns(problem: OSError, part: Path) -> bool:
    """Tell whether an error is about the output and not about something the block reads."""
    if problem.errno in _NO_SPACE:
        return True
    names = (problem.filename, problem.filename2)
    return any(str(part) in os.fsdecode(name) for name in names if isinstance(name, (str, bytes)))


def _companions(part: Path) -> list[Path]:
    prefix = part.name + "."
    return [entry for entry in part.parent.iterdir() if entry.name.startswith(prefix)]


def _remove_part(part: Path) -> None:
    with contextlib.suppress(OSError):
        for companion in _companions(part):
            companion.unlink()
    with contextlib.suppress(OSError):
        part.unlink()


def _flush_to_disk(path: Path) -> None:
    """Make a rename survive a power cut; some file systems cannot, which is no error."""
    if path.is_dir() and os.name == "nt":
        return
    with contextlib.suppress(OSError):
        # Windows flushes only what is open for writing.
        descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
