"""The version of Gossan, on both sides of the boundary, from the plugin's ``metadata.txt``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Folder of the plugin, which is the package ``gossan``."""


def gossan_version(root: Path = ROOT) -> str:
    """Return the version that ``metadata.txt`` in `root` states, such as ``0.1.0``.

    Raises
    ------
    ValueError
        If the file states none.
    """
    metadata = root / "metadata.txt"
    for line in metadata.read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "version":
            return value.strip()
    raise ValueError(f"{metadata} states no version. Install Gossan again.")
