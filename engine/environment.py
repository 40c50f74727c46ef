"""Where the engine's Python environment is, what state it is in, and what its processes inherit.

The environment lies outside the plugin's folder, because an upgrade of the plugin deletes that.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.core.origin import gossan_version

ROOT = Path(__file__).resolve().parent.parent
"""Folder of the plugin, which is the package ``gossan``."""

STAMP = "gossan-engine.json"
"""File in the environment that says from which lock files it was completed."""

HOW_TO_SET_UP = (
    "Set it up once: in QGIS with the menu Plugins > Gossan > Set up the engine…, "
    "in a checkout with ./run setup."
)

_MISLEADING_PREFIXES = ("PROJ_", "GDAL_", "PYTHON")
_MISLEADING = ("__PYVENV_LAUNCHER__",)


# ---------------------------------------------------------------- where it is


@dataclass(frozen=True)
class Location:
    """The environment that counts: its folder, its Python, and who chose it.

    `source` is ``variable`` (GOSSAN_ENGINE), ``checkout`` (.venv) or ``profile``.
    """

    folder: Path
    python: Path
    source: str


def locate(
    profile: Path | None,
    *,
    root: Path = ROOT,
    variables: Mapping[str, str] = os.environ,
    version: tuple[int, int] = sys.version_info[:2],
) -> Location:
    """Return where the engine's environment is, or would be once it is set up.

    Parameters
    ----------
    profile : Path or None
        Folder of the user's QGIS profile; None outside QGIS.
    root : Path
        Folder of the plugin.
    variables : mapping
        Environment variables; GOSSAN_ENGINE may name the Python of an environment.
    version : tuple of int
        Python version that gives the environment in the profile its name.
    """
    chosen = variables.get("GOSSAN_ENGINE", "").strip()
    if chosen:
        python = Path(chosen)
        return Location(python.parent.parent, python, "variable")
    checkout = root / ".venv"
    if profile is None or python_of(checkout).exists():
        return Location(checkout, python_of(checkout), "checkout")
    folder = profile_environment(profile, version)
    if not python_of(folder).exists():
        others = sorted((profile / "gossan").glob("engine-py*"))
        folder = next((other for other in others if (other / STAMP).exists()), folder)
    return Location(folder, python_of(folder), "profile")


def profile_environment(profile: Path, version: tuple[int, int]) -> Path:
    """Return the folder of the environment for a Python version within a QGIS profile."""
    return profile / "gossan" / f"engine-py{version[0]}.{version[1]}"


def python_of(folder: Path, platform: str = sys.platform) -> Path:
    """Return the path of the Python in an environment."""
    if platform == "win32":
        return folder / "Scripts" / "python.exe"
    return folder / "bin" / "python"


def site_packages(folder: Path, platform: str = sys.platform) -> Path:
    """Return the folder of the packages in an environment, which need not exist yet."""
    if platform == "win32":
        return folder / "Lib" / "site-packages"
    found = sorted(folder.glob("lib/python3*/site-packages"))
    return found[-1] if found else folder / "lib" / "site-packages"


def downloads_folder(folder: Path) -> Path:
    """Return where a set-up from within QGIS keeps its downloads until it is complete."""
    return folder / "downloads"


def cache_folder(prefix: Path) -> Path:
    """Return a folder for compiled code that only this user writes to."""
    if os.access(prefix, os.W_OK):
        return prefix / "cache"
    return Path.home() / ".cache" / "gossan"


# ---------------------------------------------------------------- in what state


@dataclass(frozen=True)
class State:
    """State of an environment: ``ready``, ``missing``, ``unfinished`` or ``stale``; the fact."""

    kind: str
    fact: str

    @property
    def ready(self) -> bool:
        """Whether the engine can start."""
        return self.kind == "ready"

    @property
    def sentence(self) -> str:
        """The fact, and what to do about it."""
        return self.fact if self.ready else f"{self.fact} {HOW_TO_SET_UP}"


def state(location: Location, *, root: Path = ROOT) -> State:
    """Return the state of the environment at a location.

    An environment that the user named (GOSSAN_ENGINE) needs no stamp.
    """
    folder = location.folder
    if not location.python.exists():
        return State("missing", f"The engine is not set up: there is no {location.python}.")
    stamp = read_stamp(folder)
    if stamp is None and location.source == "variable":
        return State("ready", f"The engine is the one that GOSSAN_ENGINE names: {location.python}.")
    if stamp is None:
        return State("unfinished", f"The set-up of the engine in {folder} was not finished.")
    if outdated_locks(stamp, root):
        return State(
            "stale",
            f"The engine in {folder} was made for Gossan {stamp.get('gossan', 'unknown')} and "
            f"lacks what Gossan {gossan_version()} needs.",
        )
    return State("ready", f"The engine is ready in {folder}.")


def read_stamp(folder: Path) -> dict | None:
    """Return what the stamp says (keys ``gossan`` and ``locks``), or None where there is none."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stamp if isinstance(stamp, dict) and isinstance(stamp.get("locks"), dict) else None


def write_stamp(folder: Path, locks: Sequence[Path]) -> None:
    """Say in the environment that it was completed from these lock files."""
    stamp = {
        "gossan": gossan_version(),
        "locks": {lock.name: _digest(lock) for lock in locks},
    }
    temporary = folder / f"{STAMP}.part"
    temporary.write_text(json.dumps(stamp, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, folder / STAMP)


def outdated_locks(stamp: Mapping, root: Path = ROOT) -> list[str]:
    """Return the names of lock files that are no longer what the environment was made from.

    Those for tests do not count: they change nothing that the engine needs.
    """
    folder = _requirements(root)
    return [
        name
        for name, digest in stamp["locks"].items()
        if not name.startswith("test-") and _digest(folder / name) != digest
    ]


def fulfils(stamp: Mapping | None, locks: Iterable[Path]) -> bool:
    """Return whether an environment was completed from all these lock files as they are now."""
    return stamp is not None and all(
        stamp["locks"].get(lock.name) == _digest(lock) for lock in locks
    )


def lock_files(
    version: tuple[int, int], *, networks: bool = False, test: bool = False, root: Path = ROOT
) -> list[Path]:
    """Return the lock files for a Python version.

    Raises
    ------
    ValueError
        If Gossan has none for that version.
    """
    kinds = ["engine"] + ["networks"] * networks + ["test"] * test
    name = f"py{version[0]}.{version[1]}"
    found = [_requirements(root) / f"{kind}-{name}.txt" for kind in kinds]
    missing = [path for path in found if not path.exists()]
    if missing:
        known = sorted(
            (path.stem.partition("-py")[2] for path in _requirements(root).glob("engine-py*.txt")),
            key=lambda text: [int(part) for part in text.split(".")],
        )
        raise ValueError(
            f"The engine cannot use Python {version[0]}.{version[1]}: its packages are fixed for "
            f"Python {', '.join(known)}. Name another Python with the variable GOSSAN_ENGINE_BASE."
        )
    return found


def _requirements(root: Path) -> Path:
    return root / "engine" / "requirements"


def _digest(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()


# ---------------------------------------------------------------- what its processes inherit


def child_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that mislead a Python of another environment."""
    return {
        name: value
        for name, value in base.items()
        if not name.upper().startswith(_MISLEADING_PREFIXES) and name not in _MISLEADING
    }
