"""Where the engine's Python environment is, what state it is in, and how it is made.

Everything here decides; nothing here starts a process. The set-up dialog (through ``QProcess``) and
``scripts/setup_engine.py`` carry the steps out. The environment lies outside the plugin's folder,
because an upgrade of the plugin deletes that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
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

DOWNLOAD_MEGABYTES = {"engine": 190, "networks": 700}
DISK_MEGABYTES = {"engine": 750, "networks": 2200}
"""Roughly what each part takes (measured on Linux, Python 3.11)."""

_MISLEADING_PREFIXES = ("PROJ_", "GDAL_", "PYTHON")
_MISLEADING = ("__PYVENV_LAUNCHER__",)

_PROBE = (
    "import json, sys, venv, ensurepip; "
    "print(json.dumps({'version': list(sys.version_info[:2]), 'bits': sys.maxsize.bit_length() + 1,"
    " 'prefix': sys.base_prefix}))"
)


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


def cache_folder(prefix: Path) -> Path:
    """Return a folder for compiled code that only this user writes to."""
    if os.access(prefix, os.W_OK):
        return prefix / "cache"
    return Path.home() / ".cache" / "gossan"


# ---------------------------------------------------------------- in what state


@dataclass(frozen=True)
class State:
    """State of an environment: ``ready``, ``missing``, ``unfinished`` or ``stale``; a sentence."""

    kind: str
    sentence: str

    @property
    def ready(self) -> bool:
        """Whether the engine can start."""
        return self.kind == "ready"


def state(location: Location, *, root: Path = ROOT) -> State:
    """Return the state of the environment at a location.

    An environment that the user named (GOSSAN_ENGINE) needs no stamp.
    """
    if not location.python.exists():
        return State(
            "missing", f"The engine is not set up: there is no {location.python}. {HOW_TO_SET_UP}"
        )
    stamp = read_stamp(location.folder)
    if stamp is None:
        if location.source == "variable":
            return State(
                "ready", f"The engine is the one that GOSSAN_ENGINE names: {location.python}."
            )
        return State(
            "unfinished",
            f"The set-up of the engine in {location.folder} was not finished. {HOW_TO_SET_UP}",
        )
    if outdated_locks(stamp, root):
        return State(
            "stale",
            f"The engine in {location.folder} was made for Gossan {stamp.get('gossan', 'unknown')} "
            f"and lacks what Gossan {gossan_version()} needs. {HOW_TO_SET_UP}",
        )
    return State("ready", f"The engine is ready in {location.folder}.")


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


# ---------------------------------------------------------------- which Python makes it


@dataclass(frozen=True)
class BasePython:
    """A Python that can make the environment."""

    path: str
    version: tuple[int, int]


def base_python_candidates(
    *,
    prefixes: Sequence[str] = (sys.base_prefix, sys.exec_prefix),
    platform: str = sys.platform,
    version: tuple[int, int] = sys.version_info[:2],
    variables: Mapping[str, str] = os.environ,
) -> list[str]:
    """Return the paths at which the Python that QGIS embeds may have its program, best first.

    ``sys.executable`` is not among them: inside QGIS it is QGIS, or the first python3 on the path.
    The variable GOSSAN_ENGINE_BASE, where set, comes first.
    """
    dotted = f"{version[0]}.{version[1]}"
    candidates = [variables.get("GOSSAN_ENGINE_BASE", "").strip()]
    if platform == "win32":
        for prefix in prefixes:
            candidates += [f"{prefix}\\python.exe", f"{prefix}\\python3.exe"]
        home = variables.get("OSGEO4W_ROOT", "").strip()
        if home:
            candidates.append(f"{home}\\apps\\Python{version[0]}{version[1]}\\python.exe")
    else:
        for prefix in prefixes:
            candidates += [f"{prefix}/bin/python{dotted}", f"{prefix}/bin/python3"]
        if platform == "darwin":
            for prefix in prefixes:
                bundle = prefix.partition(".app/")[0]
                if bundle != prefix:
                    candidates += [
                        f"{bundle}.app/Contents/MacOS/bin/python3",
                        f"{bundle}.app/Contents/MacOS/python",
                    ]
        candidates += [f"/usr/bin/python{dotted}", "/usr/bin/python3"]
    return list(dict.fromkeys(candidate for candidate in candidates if candidate))


def find_base_python(
    run: Callable[[list[str]], str | None],
    *,
    candidates: Sequence[str] | None = None,
    root: Path = ROOT,
    exists: Callable[[str], bool] = os.path.isfile,
) -> BasePython:
    """Return the first Python that exists, makes environments and has lock files here.

    Parameters
    ----------
    run : callable
        Runs a command and returns what it printed, or None where it failed.
    candidates : sequence of str, optional
        Paths to try; `base_python_candidates` by default.
    root : Path
        Folder of the plugin.
    exists : callable
        Tells whether a path is a file.

    Raises
    ------
    ValueError
        If there is none; the message names what was tried and why each would not do.
    """
    reasons = []
    for path in base_python_candidates() if candidates is None else candidates:
        if not exists(path):
            reasons.append(f"{path}: not there")
            continue
        version = read_probe(run(probe_command(path)))
        if version is None:
            reasons.append(f"{path}: cannot make environments (on Debian: install python3-venv)")
            continue
        try:
            lock_files(version, root=root)
        except ValueError:
            reasons.append(f"{path}: Python {version[0]}.{version[1]}, which has no lock file")
            continue
        return BasePython(path, version)
    raise ValueError(
        "No Python was found that can make the engine's environment. Tried "
        + "; ".join(reasons)
        + ". Name one with the variable GOSSAN_ENGINE_BASE."
    )


def probe_command(python: str) -> list[str]:
    """Return the command that asks a Python for its version and whether it makes environments."""
    return [python, "-I", "-c", _PROBE]


def read_probe(printed: str | None) -> tuple[int, int] | None:
    """Return the version that a probed Python printed; None where it will not do."""
    try:
        answer = json.loads((printed or "").strip().splitlines()[-1])
        version = (int(answer["version"][0]), int(answer["version"][1]))
        return version if answer["bits"] >= 64 else None
    except (IndexError, KeyError, TypeError, ValueError):
        return None


# ---------------------------------------------------------------- how it is made


@dataclass(frozen=True)
class Step:
    """One command of the set-up, what it does for people, and how many packages it installs."""

    description: str
    command: list[str]
    packages: int = 0


def setup_steps(
    base: BasePython,
    folder: Path,
    *,
    networks: bool = False,
    test: bool = False,
    wheels: str = "",
    root: Path = ROOT,
) -> list[Step]:
    """Return the commands that make or complete an environment; each may be repeated.

    After the last one has succeeded the caller writes the stamp (`write_stamp`).

    Parameters
    ----------
    base : BasePython
        The Python that makes it.
    folder : Path
        Where it is to be.
    networks, test : bool
        Whether to add what networks need, and what tests and benchmarks need.
    wheels : str
        Folder of wheels to install from where there is no network; empty to download.
    root : Path
        Folder of the plugin.
    """
    python = str(python_of(folder))
    pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--progress-bar", "off"]
    if wheels:
        install += ["--no-index", "--find-links", wheels]
    # The Python that an environment was made with may be gone since; its links stay broken.
    broken = (folder / "pyvenv.cfg").exists() and not python_of(folder).exists()
    clear = ["--clear"] if broken else []
    steps = [
        Step(
            f"Making an environment for Python {base.version[0]}.{base.version[1]}",
            [base.path, "-I", "-m", "venv", *clear, str(folder)],
        )
    ]
    for lock in lock_files(base.version, networks=networks, test=test, root=root):
        kind = lock.name.partition("-")[0]
        only_binary = [] if kind == "test" else ["--only-binary", ":all:"]
        steps.append(
            Step(
                f"Installing {_WHAT[kind]} ({_count(lock)} packages)",
                [*install, *only_binary, "-r", str(lock)],
                _count(lock),
            )
        )
    if test:
        steps.append(Step("Installing Gossan itself", [*install, "--no-deps", "-e", str(root)]))
    modules = "numpy, scipy, sklearn, rasterio, numba, matplotlib, skops, safetensors"
    if networks:
        modules += ", tensorflow"
    steps.append(Step("Checking the packages", [python, "-I", "-c", f"import {modules}"]))
    return steps


_WHAT = {
    "engine": "what the engine needs",
    "networks": "what networks need",
    "test": "what tests need",
}


def _count(lock: Path) -> int:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines)


def space_problem(folder: Path, *, networks: bool = False) -> str:
    """Return a sentence where the disk has no room for the environment, else an empty text."""
    existing = next((parent for parent in folder.resolve().parents if parent.exists()), None)
    needed = DISK_MEGABYTES["engine"] + DISK_MEGABYTES["networks"] * networks
    free = shutil.disk_usage(existing).free // 10**6 if existing else needed
    if free >= needed:
        return ""
    return (
        f"The engine needs about {needed} MB in {folder}, but only {free} MB are free there. "
        "Make room and start again."
    )


def setup_environment(base: Mapping[str, str], *, proxy: str = "") -> dict[str, str]:
    """Return the variables for the steps of the set-up.

    `proxy` is ``http://user:password@host:port`` or empty; it travels as a variable, because other
    users of a machine can read command lines.
    """
    variables = child_environment(base)
    if proxy:
        variables["PIP_PROXY"] = proxy
    return variables


def child_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those that mislead a Python of another environment."""
    return {
        name: value
        for name, value in base.items()
        if not name.upper().startswith(_MISLEADING_PREFIXES) and name not in _MISLEADING
    }
