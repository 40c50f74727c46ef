"""Errors that a user can act on.

Every message says what is wrong, where (file, band, field, row) and what to do about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class GossanError(Exception):
    """Root of all errors that Gossan raises on purpose."""


class InputError(GossanError, ValueError):
    """A parameter or the content of an input cannot be used."""


class FileError(GossanError, OSError):
    """A file is missing, cannot be read or written, or is damaged."""


class UnwritableError(FileError):
    """An output cannot be written where it is wanted: the disk is full, or it is not allowed."""


class BandMismatchError(InputError):
    """The bands at hand are not the bands that are needed."""


class BundleError(InputError):
    """A model file is damaged, foreign, of another version or unsafe."""


class CancelledError(GossanError):
    """The user has cancelled the run; nothing was left behind."""

    def __init__(self, message: str = "Cancelled.") -> None:
        super().__init__(message)


@contextmanager
def naming(path: str, *others: str) -> Iterator[None]:
    """Put a file's name before the sentences of functions on arrays, which do not know it.

    Parameters
    ----------
    path : str
        File that the work inside is about.
    others : str
        Files that a sentence may name instead.

    Raises
    ------
    InputError
        Of the same kind as the one inside, beginning with the path unless that names it already.
    """
    try:
        yield
    except InputError as problem:
        named = any(name in str(problem) for name in (path, *others) if name)
        if named or not path:
            raise
        raise type(problem)(f"{path}: {problem}") from problem
