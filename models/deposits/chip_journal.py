"""The state of a preparation: which scenes are done, so that an interrupted one goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gossan.core.errors import FileError
from gossan.core.files import PART
from gossan.models.deposits.chip_files import ABOUT, Chip

_JOURNAL = "journal.jsonl"


class ChipJournal:
    """A folder of chips in the making, and a line for every scene that is done.

    Lines are flushed one by one, so that a run which is killed at any moment loses no more than
    the scene it is at. A journal that was made with other options is thrown away.

    Parameters
    ----------
    index : path
        The index that is to be written; the folder lies beside it.
    options : mapping
        All that decides what the chips look like, as plain JSON.
    """

    def __init__(self, index: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
        path = Path(index).absolute()
        self.target = path.with_name(f"{path.stem}_images")
        self.folder = path.with_name(f".{path.stem}_images.{PART}")
        self._key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()
        self._require_replaceable()
        self.done: dict[str, tuple[str, list[Chip]]] = self._read()
        if not self.done:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(exist_ok=True)
            self._stream = open(self.folder / _JOURNAL, "a", encoding="utf-8")  # noqa: SIM115
        except OSError as problem:
            raise FileError(
                f"Nothing can be written in {path.parent}: {problem.strerror or problem}."
            ) from problem
        if not self.done:
            self._write({"key": self._key})

    def chips_of(self, scene: str, state: str) -> list[Chip] | None:
        """Return the chips of a scene that is done and has not changed since, else None."""
        known = self.done.get(scene)
        return known[1] if known is not None and known[0] == state else None

    def add(self, scene: str, state: str, chips: list[Chip]) -> None:
        """Note that a scene is done; ``state`` says what its files were like."""
        self._write({"scene": scene, "state": state, "chips": [asdict(chip) for chip in chips]})
        self.done[scene] = (state, chips)

    def publish(self, about: str, kept: set[str]) -> None:
        """Put the finished folder in its place, with the kept files and what holds for all."""
        self._stream.close()
        for file in self.folder.iterdir():
            if file.name not in kept:
                file.unlink()
        (self.folder / ABOUT).write_text(about, encoding="utf-8")
        if self.target.exists():
            shutil.rmtree(self.target)
        os.replace(self.folder, self.target)

    def close(self) -> None:
        """Let go of the journal; the state stays."""
        self._stream.close()

    def discard(self) -> None:
        """Remove the state."""
        self._stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, entry: Mapping[str, Any]) -> None:
        self._stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _read(self) -> dict[str, tuple[str, list[Chip]]]:
        try:
            lines = (self.folder / _JOURNAL).read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        entries = []
        for line in lines:
            try:
                entries.append(json.loads(line))
            except ValueError:
                continue  # the line that a killed run was writing
        if not entries or entries[0].get("key") != self._key:
            return {}
        done = {}
        for entry in entries[1:]:
            chips = [Chip(**values) for values in entry["chips"]]
            if all((self.folder / chip.file).is_file() for chip in chips):
                done[entry["scene"]] = (entry["state"], chips)
        return done

    def _require_replaceable(self) -> None:
        """Refuse to replace a folder that is no folder of chips."""
        if self.target.exists() and not (self.target / ABOUT).is_file():
            raise FileError(
                f"{self.target} is there already and is no folder of chips. Choose another name "
                "for the index."
            )
