"""Folders that appear under their name only when they are complete."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from gossan.core.errors import FileError
from gossan.core.files import part_path, remove_leftovers, require_writable


@contextlib.contextmanager
def write_folder_then_rename(
    path: str | os.PathLike[str], *, replaces: Collection[str] = ()
) -> Iterator[Path]:
    """Give a temporary folder that becomes ``path`` once the block has ended.

    Any exception inside the block, cancellation included, removes the temporary folder and leaves
    what stood at ``path`` before untouched. Leftovers of killed runs are removed first.

    Parameters
    ----------
    path : path
        The output. A folder that stands there already is replaced when it is empty or holds
        nothing but ``replaces``.
    replaces : collection of str
        Names of what an earlier run has left in such a folder.

    Yields
    ------
    Path
        An empty folder to write to.

    Raises
    ------
    FileError
        When the folder above is missing, nothing may be written there, or ``path`` is a file or
        a folder with other content.
    """
    target = Path(path).absolute()
    require_folder(target, replaces=replaces)
    remove_leftovers(target)
    part = part_path(target)
    aside = part.with_name(f"{part.name}.old")
    try:
        part.mkdir()
        yield part
        # Looked at again, for the work may have taken hours.
        require_folder(target, replaces=replaces)
        if target.exists():
            os.replace(target, aside)
        os.replace(part, target)
    except BaseException:
        if aside.exists() and not target.exists():
            os.replace(aside, target)
        raise
    finally:
        for each in (part, aside):
            shutil.rmtree(each, ignore_errors=True)


def require_folder(path: str | os.PathLike[str], *, replaces: Collection[str] = ()) -> None:
    """Refuse a folder to be written before any work is done for it.

    Raises
    ------
    FileError
        As for `write_folder_then_rename`.
    """
    target = Path(path).absolute()
    if target.exists() and not target.is_dir():
        raise FileError(f"{target} is a file. Choose a new folder for the output.")
    names = {entry.name for entry in os.scandir(target)} if target.is_dir() else set()
    others = sorted(names - set(replaces))
    if others:
        raise FileError(
            f"The folder {target} holds other files ({others[0]}). Choose a new or an empty folder."
        )
    # A neighbour that does not exist shows whether anything can be written beside it.
    require_writable(target.with_name(f"{target.name}.gossan-probe"))
