"""How the engine's environment is made: with which Python, by which steps, what may hinder it.

Nothing here starts a process: the set-up dialog (through ``QProcess``) and
``scripts/setup_engine.py`` carry the steps out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gossan.engine.environment import (
    ROOT,
    child_environment,
    downloads_folder,
    fulfils,
    lock_files,
    python_of,
    read_stamp,
    site_packages,
)

DOWNLOAD_MEGABYTES = {"engine": 200, "networks": 650}
DISK_MEGABYTES = {"engine": 800, "networks": 2100}
"""Roughly what each part takes (measured on Linux, Python 3.11)."""

PIP = "25.3"
"""The pip that downloads: the last for Python 3.9, and it goes on with a file that was cut off."""

RESUMES = "200"
"""How often pip goes on with one file; with its pauses that outlasts some minutes offline, and the
largest file comes through a proxy that cuts every 3 MB."""

_PROBE = (
    "import json, sys, venv, ensurepip; ensurepip.version(); "
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
    lack_venv = False
    for path in base_python_candidates() if candidates is None else candidates:
        if not exists(path):
            reasons.append(f"{path}: not there")
            continue
        version = read_probe(run(probe_command(path)))
        if version is None:
            reasons.append(f"{path}: cannot make environments")
            lack_venv = True
            continue
        try:
            lock_files(version, root=root)
        except ValueError:
            reasons.append(f"{path}: Python {version[0]}.{version[1]}, which has no lock file")
            continue
        return BasePython(path, version)
    # Debian and its kin keep the module that makes environments in a package of its own.
    cure = (
        "Install the package python3-venv (sudo apt install python3-venv) and look again, or name"
    )
    raise ValueError(
        "No Python was found that can make the engine's environment. "
        + (cure if lack_venv and os.path.exists("/etc/debian_version") else "Name")
        + " another Python with the variable GOSSAN_ENGINE_BASE. Tried: "
        + "; ".join(reasons)
        + "."
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
    """One command of the set-up, what it does, how many packages it installs and downloads."""

    description: str
    command: list[str]
    packages: int = 0
    megabytes: int = 0


def setup_steps(
    base: BasePython,
    folder: Path,
    *,
    networks: bool = False,
    test: bool = False,
    wheels: str = "",
    kept: Sequence[Path] = (),
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
    kept : sequence of Path
        Wheels that need not be downloaded any more (`kept_wheels`).
    root : Path
        Folder of the plugin.
    """
    python = str(python_of(folder))
    pip = [python, "-I", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--no-user"]
    # The Python that an environment was made with may be gone since; its links stay broken.
    broken = (folder / "pyvenv.cfg").exists() and not python_of(folder).exists()
    clear = ["--clear"] if broken else []
    steps = [
        Step(
            f"Making an environment for Python {base.version[0]}.{base.version[1]}",
            [base.path, "-I", "-m", "venv", *clear, str(folder)],
        )
    ]
    if wheels:
        install += ["--progress-bar", "off", "--no-index", "--find-links", wheels]
    else:
        steps.append(
            Step(
                f"Making sure of pip {PIP}, which goes on with downloads that were cut off",
                [*install, "--progress-bar", "off", f"pip=={PIP}"],
                megabytes=2,
            )
        )
        install += ["--progress-bar", "raw", "--resume-retries", RESUMES]
    for lock in lock_files(base.version, networks=networks, test=test, root=root):
        kind = lock.name.partition("-")[0]
        only_binary = [] if kind == "test" else ["--only-binary", ":all:"]
        pins = _pins(lock)
        wanted = {_pin(pin) for pin in pins}
        here = [str(path) for path in kept if _wheel(path.name) in wanted]
        steps.append(
            Step(
                f"Installing {_WHAT[kind]} ({len(pins)} packages)",
                [*install, *only_binary, *_bounds(base, wheels, root), "-r", str(lock), *here],
                len(pins),
                DOWNLOAD_MEGABYTES.get(kind, 0),
            )
        )
    if test:
        steps.append(Step("Installing Gossan itself", [*install, "--no-deps", "-e", str(root)]))
    modules = "numpy, scipy, sklearn, rasterio, numba, matplotlib, skops, safetensors"
    if networks:
        modules += ", tensorflow, onnxruntime"
    steps.append(Step("Checking the packages", [python, "-I", "-c", f"import {modules}"]))
    return steps


_WHAT = {
    "engine": "what the engine needs",
    "networks": "what networks need",
    "test": "what tests need",
}


def _bounds(base: BasePython, wheels: str, root: Path) -> list[str]:
    """Return options by which all parts agree on the versions of what only some of them name."""
    if wheels:
        return []
    try:
        locks = lock_files(base.version, networks=True, root=root)
    except ValueError:
        return []
    return ["-c", str(locks[-1])]


def _pins(lock: Path) -> list[str]:
    lines = (line.strip() for line in lock.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def setup_environment(
    base: Mapping[str, str],
    *,
    proxy: str = "",
    no_proxy: Sequence[str] = (),
    downloads: Path | None = None,
) -> dict[str, str]:
    """Return the variables for the steps of the set-up.

    Parameters
    ----------
    base : mapping
        The variables of this process.
    proxy : str
        Address of an HTTP proxy, with name and password where it asks for them, or empty. It
        travels as a variable, because other users of a machine can read command lines.
    no_proxy : sequence of str
        Hosts that are reached without that proxy.
    downloads : Path, optional
        Folder for downloads and temporary files; by default pip's and the system's own.
    """
    variables = {
        name: value
        for name, value in child_environment(base).items()
        # They would install elsewhere than in the environment.
        if name not in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_ROOT")
    }
    if proxy:
        variables.pop("PIP_PROXY", None)
        without = [variables.get("no_proxy") or variables.get("NO_PROXY", ""), *no_proxy]
        # Where the names of variables know no case, the second of each pair overwrites the first.
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            variables[name] = proxy
        for name in ("NO_PROXY", "no_proxy"):
            variables[name] = ",".join(host for host in without if host)
    if downloads is not None:
        variables["PIP_NO_CACHE_DIR"] = "1"  # `keep_wheels` keeps them, whatever the index allows
        for name in ("TMPDIR", "TEMP", "TMP"):
            variables[name] = str(downloads / "temporary")
    return variables


# ---------------------------------------------------------------- what stands in its way


def obstacle(
    folder: Path,
    version: tuple[int, int],
    *,
    networks: bool = False,
    wheels: str = "",
    root: Path = ROOT,
) -> str:
    """Return a sentence where an environment cannot be made or completed, else an empty text.

    Looks for a folder of wheels that is not there or lacks some, a folder that cannot be written,
    and too little room; of the parts that the environment already has nothing more is asked.
    """
    if wheels:
        if not Path(wheels).is_dir():
            return f"There is no folder {wheels}. Name the folder that holds the wheels."
        lacking = missing_wheels(
            Path(wheels), lock_files(version, networks=networks, root=root), folder
        )
        if lacking:
            return (
                f"The folder {wheels} lacks {_enumerate(lacking)}. Collect the wheels again, on a "
                f"computer with the same system and Python {version[0]}.{version[1]}."
            )
    existing = next(
        (place for place in (folder, *folder.absolute().parents) if os.path.lexists(place)), folder
    )
    if not existing.is_dir():
        return f"The engine cannot be made in {folder}, because {existing} is not a folder."
    if not os.access(existing, os.W_OK | os.X_OK):
        return (
            f"The engine cannot be made in {folder}, because {existing} cannot be written. Make it "
            "writable, or start QGIS with another profile."
        )
    needed = _megabytes_needed(folder, version, networks=networks, wheels=wheels, root=root)
    free = shutil.disk_usage(existing).free // 10**6
    if free < needed:
        return (
            f"The set-up needs about {needed:,} MB in {folder}, but only {free:,} MB are free "
            "there. Make room and start again."
        )
    return ""


def _megabytes_needed(
    folder: Path, version: tuple[int, int], *, networks: bool, wheels: str, root: Path
) -> int:
    """Return the room for what is not installed yet, and for its downloads meanwhile."""
    needed = 0
    stamp = read_stamp(folder)
    for lock in lock_files(version, networks=networks, root=root):
        part = lock.name.partition("-")[0]
        if not fulfils(stamp, [lock]):
            needed += DISK_MEGABYTES[part] + DOWNLOAD_MEGABYTES[part] * (not wheels)
    return needed


def missing_wheels(wheels: Path, locks: Sequence[Path], folder: Path) -> list[str]:
    """Return the pins of lock files that neither a folder of wheels nor an environment has."""
    there = {_wheel(path.name) for path in wheels.glob("*.whl")}
    there |= {_wheel(path.name) for path in site_packages(folder).glob("*.dist-info")}
    pins = [pin for lock in locks for pin in _pins(lock)]
    return [pin for pin in dict.fromkeys(pins) if _pin(pin) not in there]


def _wheel(name: str) -> tuple[str, str]:
    """Return the normalised package and the version of a wheel's or a dist-info folder's name."""
    package, _, rest = name.partition("-")
    return _normalised(package), rest.removesuffix(".dist-info").partition("-")[0]


def _pin(pin: str) -> tuple[str, str]:
    package, _, version = pin.partition("==")
    return _normalised(package), version


def _normalised(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _enumerate(names: Sequence[str], most: int = 3) -> str:
    """Return the first names and how many more there are."""
    first = ", ".join(names[:most])
    return first if len(names) <= most else f"{first} and {len(names) - most} more"


# ---------------------------------------------------------------- what is kept, what is cleared


def keep_wheels(folder: Path) -> list[Path]:
    """Put complete wheels among pip's temporary files aside, and return all that are kept.

    pip deletes them when it fails, and whether its cache holds them is for the index to say. A
    second name for a file costs no room; where a disk knows no such thing, nothing is kept.
    """
    downloads = downloads_folder(folder)
    kept = downloads / "wheels"
    kept.mkdir(parents=True, exist_ok=True)
    for wheel in (downloads / "temporary").glob("pip-*/**/*.whl"):
        aside = kept / wheel.name
        try:
            # The end of the archive comes last, so one that has it is complete.
            if not aside.exists() and zipfile.is_zipfile(wheel):
                os.link(wheel, aside)
        except OSError:
            continue
    return sorted(kept.glob("*.whl"))


def clear_leftovers(folder: Path) -> None:
    """Take away what a set-up that was killed has half done, so that it can be repeated.

    pip writes a package's RECORD last. Without it the package counts as installed, but can neither
    be trusted nor replaced by another version.
    """
    packages = site_packages(folder)
    for known in packages.glob("*.dist-info"):
        if not (known / "RECORD").exists():
            shutil.rmtree(known, ignore_errors=True)
    for moved in packages.glob("~*"):
        shutil.rmtree(moved, ignore_errors=True)
    shutil.rmtree(downloads_folder(folder) / "temporary", ignore_errors=True)


# ---------------------------------------------------------------- why it failed


CUT_OFF = "The download was cut off. Files that were complete are kept."

_REASONS = (
    (
        r"No space left on device|Disk quota exceeded|not enough space on the disk",
        "The disk is full; make room there.",
    ),
    (
        r"407 Proxy Authentication|ProxyError.*40[37]",
        "The proxy refuses the name and password of QGIS's settings (Settings, Options, Network).",
    ),
    (
        r"ProxyError|Cannot connect to proxy",
        "The proxy of QGIS's settings (Settings, Options, Network) cannot be reached.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|SSLError",
        "The certificate of the package index is not trusted here. Where a proxy signs connections "
        "anew, name its certificate with the variable PIP_CERT.",
    ),
    (
        r"IncompleteDownloadError|incomplete-download|Connection broken|IncompleteRead"
        r"|Read timed out|ConnectionResetError|RemoteDisconnected|JSONDecodeError",
        CUT_OFF,
    ),
    (
        r"NewConnectionError|NameResolutionError|Temporary failure in name resolution"
        r"|getaddrinfo failed|Network is unreachable|ConnectTimeoutError|ConnectionRefusedError",
        "The package index cannot be reached. Look after the network and QGIS's proxy, or name a "
        "folder of wheels.",
    ),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "There is no wheel of {what} for this system and Python.",
    ),
    (
        r"Permission denied|Access is denied|Read-only file system",
        "A file or folder of the environment cannot be written.",
    ),
    (
        r"DLL load failed|cannot open shared object|failed to map segment|ImportError",
        "The packages are installed but cannot be loaded on this system; the log names the one.",
    ),
)


def reason(lines: Sequence[str]) -> str:
    """Return a sentence that says why a step failed, from what it printed; empty if unknown."""
    text = "\n".join(lines)
    for pattern, sentence in _REASONS:
        found = re.search(pattern, text)
        if found:
            return sentence.format(**found.groupdict())
    return ""
