"""How far a step of the set-up is, by what pip says and by what it has unpacked."""

from __future__ import annotations

import re

LOOKED_UP, DOWNLOADED = 0.1, 0.6
"""Shares of a step at which all packages are looked up and downloaded; the rest is unpacking."""

PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")
_PACKAGE = re.compile(r"^\s*(Collecting|Requirement already satisfied:|Processing) (\S+)")
_FILE = re.compile(r"^\s*(Downloading|Using cached) (\S+\.whl) \(([\d.]+) (bytes|kB|MB|GB)\)")
_AGAIN = re.compile(r"^\s*WARNING: Attempting to resume incomplete download .*attempt (\d+)\)")
_NO_ANSWER = re.compile(r"^\s*WARNING: Retrying ")
_UNPACKING = "Installing collected packages:"
_UNITS = {"bytes": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9}


class StepProgress:
    """Follows one step.

    Parameters
    ----------
    packages : int
        How many it installs.
    megabytes : float
        How much it downloads, roughly.
    """

    def __init__(self, packages: int, megabytes: float) -> None:
        self.share = 0.0
        """Finished share, 0 to 1."""
        self.unpacking = 0
        """How many packages pip is unpacking; 0 before that."""
        self._packages = max(packages, 1)
        self._bytes = max(megabytes, 1) * 1e6
        self._looked_up = 0
        self._bytes_complete = 0.0
        self.complete = 0
        """How many files are downloaded."""
        self._file = ""
        self._size = 0.0
        self._installed_before = -1

    def hear(self, line: str) -> str:
        """Take a line of pip, and return what is being done now; empty if it says nothing new."""
        package, file, progress = _PACKAGE.match(line), _FILE.match(line), PROGRESS.match(line)
        if package:
            self._looked_up += 1
            self._advance(0.0)
            return f"Looking up {package[2]}"
        if file:
            self._file_ended()
            self._file = "-".join(file[2].rpartition("/")[2].split("-")[:2])
            self._size = float(file[3]) * _UNITS[file[4]]
            self._advance(self._size if file[1] == "Using cached" else 0.0)
            return f"Downloading {self._file} ({megabytes(self._size)})"
        if progress and self._file:
            here, whole = float(progress[1]), float(progress[2])
            self._advance(here)
            return f"Downloading {self._file} ({megabytes(here)} of {megabytes(whole)})"
        again = _AGAIN.match(line)
        if again:
            return f"The connection was cut off; going on with {self._file} (attempt {again[1]})"
        if _NO_ANSWER.match(line):
            return "No answer from the network; trying again"
        if line.startswith(_UNPACKING):
            self._file_ended()
            self.unpacking = line.count(",") + 1
            self.share = max(self.share, DOWNLOADED)
            return f"Unpacking {self.unpacking} packages"
        return ""

    def see(self, installed: int) -> str:
        """Take the number of packages in the environment while pip unpacks."""
        if self._installed_before < 0:
            self._installed_before = installed
        new = max(0, min(installed - self._installed_before, self.unpacking))
        unpacked = DOWNLOADED + (1 - DOWNLOADED) * new / max(self.unpacking, 1)
        self.share = max(self.share, unpacked)
        return f"Unpacking {self.unpacking} packages ({new} done)"

    def _file_ended(self) -> None:
        if self._file:
            self.complete += 1
            self._bytes_complete += self._size
            self._file, self._size = "", 0.0

    def _advance(self, of_this_file: float) -> None:
        downloaded = min((self._bytes_complete + of_this_file) / self._bytes, 1.0)
        looked_up = min(self._looked_up / self._packages, 1.0)
        self.share = max(self.share, LOOKED_UP * looked_up + (DOWNLOADED - LOOKED_UP) * downloaded)


def megabytes(size: float) -> str:
    """Return a size in bytes for people."""
    if size < 1e6:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:,.0f} MB"
