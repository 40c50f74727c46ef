"""Build the zip for QGIS's plugin manager: one folder ``gossan/``, the same bytes every time."""

from __future__ import annotations

import configparser
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILES = ("__init__.py", "metadata.txt", "resources.py", "LICENSE", "README.md", "CHANGELOG.md")
FOLDERS = ("core", "docs", "engine", "models", "plugin", "processing_provider")
SUFFIXES = frozenset(
    {
        ".csv",
        ".gossan",
        ".hdr",
        ".html",
        ".in",
        ".md",
        ".model3",
        ".png",
        ".py",
        ".qml",
        ".sli",
        ".svg",
        ".txt",
    }
)
EARLIEST = (1980, 1, 1, 0, 0, 0)
LIMIT = 25 * 1024 * 1024
"""The plugin repository takes no larger file."""


def members() -> list[Path]:
    """Return the files that a user needs, in a fixed order, relative to the root."""
    found = [Path(name) for name in FILES]
    for folder in FOLDERS:
        found += [
            path.relative_to(ROOT)
            for path in (ROOT / folder).rglob("*")
            if path.suffix in SUFFIXES and "__pycache__" not in path.parts
        ]
    return sorted(found)


def build(folder: Path) -> Path:
    """Write ``gossan-VERSION.zip`` to a folder and return its path."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"gossan-{metadata['general']['version']}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members():
            entry = zipfile.ZipInfo(f"gossan/{member.as_posix()}", EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, (ROOT / member).read_bytes())
    if target.stat().st_size > LIMIT:
        sys.exit(f"{target} has {target.stat().st_size:,} bytes; {LIMIT:,} are allowed.")
    return target


if __name__ == "__main__":
    archive_path = build(ROOT / "dist")
    print(f"{archive_path} ({archive_path.stat().st_size / 1024:.0f} KiB)")
