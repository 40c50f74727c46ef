"""How the engine's environment is made: with which Python, by which steps, in how much space.

Nothing here starts a process: the set-up dialog (through ``QProcess``) and
``scripts/setup_engine.py`` carry the steps out.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.engine.environment import ROOT, child_environment, lock_files, python_of

DOWNLOAD_MEGABYTES = {"engine": 190, "networks": 700}
DISK_MEGABYTES = {"engine": 800, "networks": 2200}
"""Roughly what each part takes (measured on Linux, Python 3.11)."""

_PROBE = (
    "import json, sys, venv, ensurepip; "
    "print(json.dumps({'version': list(sys.version_info[:2]), 'bits': sys.maxsize.bit_length() + 1,"
    " 'prefix': sys.base_prefix}))"
)


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
    """One command of the set-up, what it does, and how many packages it installs."""

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

    `proxy` is the address of an HTTP proxy, with name and password where it asks for them, or
    empty; it travels as a variable, because other users of a machine can read command lines.
    """
    variables = child_environment(base)
    if proxy:
        variables["PIP_PROXY"] = proxy
    return variables
