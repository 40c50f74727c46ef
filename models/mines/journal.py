"""The journal of a search: its finished blocks, so that a search that was ended can go on."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from gossan.core.errors import FileError, InputError
from gossan.models.mines.search import Found

SUFFIX = ".gossan-journal"
"""Ending of a journal's file name, after that of the probability raster."""

_APPLICATION = 0x476F5331
_SIDE_FILES = ("-journal", "-wal", "-shm")


class Journal:
    """An open journal, which no other search can open meanwhile; use `open_journal`.

    Attributes
    ----------
    path : Path
    differs : tuple of str
        What differs from the search that the file was written by, whose blocks were given up.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, differs: tuple[str, ...]
    ) -> None:
        self.path = path
        self.differs = differs
        self._connection = connection
        self._done = False

    def finished(self) -> set[int]:
        """Return the numbers of the finished blocks."""
        return {number for (number,) in self._connection.execute("SELECT number FROM blocks")}

    def blocks(self) -> Iterator[tuple[int, Found]]:
        """Yield the finished blocks."""
        query = "SELECT number, probability, cells, impacts FROM blocks ORDER BY number"
        for number, *packed in self._connection.execute(query):
            yield number, Found(*(_unpacked(content, self.path) for content in packed))

    def add(self, number: int, found: Found) -> None:
        """Keep a finished block; it is on the disk when this returns."""
        packed = [_packed(part) for part in (found.probability, found.cells, found.impacts)]
        try:
            with self._connection:
                self._connection.execute(
                    "INSERT OR REPLACE INTO blocks VALUES (?, ?, ?, ?)", (number, *packed)
                )
        except sqlite3.Error as problem:
            raise FileError(
                f"The journal {self.path} cannot be written ({problem}). Check that there is space "
                "on the disk; what it holds is kept."
            ) from problem

    def complete(self) -> None:
        """Have the journal removed when it is closed: all results stand in their own files."""
        self._done = True

    def close(self) -> None:
        """Let go of the file, and remove it where nothing is left to go on with."""
        worthless = self._done or not self.finished()
        self._connection.close()
        if worthless:
            for ending in ("", *_SIDE_FILES):
                with suppress(OSError):
                    Path(f"{self.path}{ending}").unlink(missing_ok=True)


@contextmanager
def open_journal(path: Path, search: Mapping[str, Any]) -> Iterator[Journal]:
    """Open the journal of a search, or begin one.

    Parameters
    ----------
    path : Path
    search : mapping
        All that decides the blocks and what is found in them, as plain JSON, by names that people
        understand. A file that tells of another search is begun anew.

    Raises
    ------
    InputError
        When another search writes to it.
    FileError
        When it is no journal, damaged, or cannot be written there.
    """
    connection = _connect(path)
    with closing(connection):
        differs = _prepare(path, connection, json.loads(json.dumps(search)))
        journal = Journal(path, connection, differs)
        try:
            yield journal
        finally:
            journal.close()


def _connect(path: Path) -> sqlite3.Connection:
    try:
        # Blocks are consumed by another thread than the one that opens and closes.
        connection = sqlite3.connect(
            path, timeout=0.5, isolation_level="IMMEDIATE", check_same_thread=False
        )
    except sqlite3.Error as problem:
        raise _unwritable(path, problem) from problem
    try:
        # The lock is the process's: it goes with it, however that ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN EXCLUSIVE")
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if tables and application != _APPLICATION:
            raise FileError(f"{path} is no journal of a search. Choose another file for it.")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute("CREATE TABLE IF NOT EXISTS search (about TEXT)")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS blocks "
            "(number INTEGER PRIMARY KEY, probability BLOB, cells BLOB, impacts BLOB)"
        )
        connection.commit()
    except sqlite3.OperationalError as problem:
        connection.close()
        if "locked" in str(problem):
            raise InputError(
                f"Another search writes to the journal {path} at this moment. Wait for it, or "
                "write the results of this one to another file."
            ) from problem
        raise _unwritable(path, problem) from problem
    except sqlite3.DatabaseError as problem:
        connection.close()
        raise FileError(
            f"{path} is no journal of a search, or is damaged ({problem}). Remove it or choose "
            "another file."
        ) from problem
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(path: Path, connection: sqlite3.Connection, search: Any) -> tuple[str, ...]:
    """Compare with the search that the file tells of; begin anew where it is another one."""
    try:
        row = connection.execute("SELECT about FROM search").fetchone()
        if row is not None and json.loads(row[0]) == search:
            return ()
        before = json.loads(row[0]) if row is not None else {}
        with connection:
            connection.execute("DELETE FROM blocks")
            connection.execute("DELETE FROM search")
            connection.execute("INSERT INTO search VALUES (?)", (json.dumps(search),))
    except (sqlite3.Error, ValueError) as problem:
        raise FileError(
            f"The journal {path} is damaged ({problem}). Remove it and search again."
        ) from problem
    if row is None:
        return ()
    return tuple(
        sorted(name for name in {*before, *search} if before.get(name) != search.get(name))
    )


def _unwritable(path: Path, problem: Exception) -> FileError:
    return FileError(
        f"The journal {path} cannot be written ({problem}). Choose a folder that may be written to."
    )


def _packed(array: np.ndarray) -> bytes:
    head = json.dumps({"type": array.dtype.str, "shape": array.shape}).encode()
    return head + b"\n" + zlib.compress(np.ascontiguousarray(array).tobytes(), 1)


def _unpacked(content: bytes, path: Path) -> np.ndarray:
    head, _, body = content.partition(b"\n")
    try:
        about = json.loads(head)
        flat = np.frombuffer(zlib.decompress(body), dtype=np.dtype(about["type"]))
        return flat.reshape(about["shape"])
    except (ValueError, KeyError, TypeError, zlib.error) as problem:
        raise FileError(
            f"The journal {path} is damaged ({problem}). Remove it and search again."
        ) from problem
