"""Make or complete the engine's environment: ``python3 scripts/setup_engine.py --create .venv``.

Says what it does; does nothing, quickly, where the environment was completed from the same lock
files already. Runs with any Python that QGIS brings; ``gossan`` need not be installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _find_package() -> None:
    """Make the checkout importable as ``gossan``, whatever its folder is called."""
    spec = importlib.util.spec_from_file_location(
        "gossan", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    package = importlib.util.module_from_spec(spec)
    sys.modules["gossan"] = package
    spec.loader.exec_module(package)


def main() -> int:
    """Carry the steps out one by one and stamp the environment at the end."""
    arguments = _arguments()
    folder = Path(arguments.create).resolve()
    variables = installation.setup_environment(os.environ, proxy=arguments.proxy)
    try:
        base = installation.find_base_python(lambda command: _ask(command, variables))
        # What was once installed stays wanted, or a plain setup after one with networks would leave
        # them at their old versions.
        stamp = environment.read_stamp(folder) or {"locks": {}}
        kinds = {name.partition("-")[0] for name in stamp["locks"]}
        networks = arguments.networks or "networks" in kinds
        test = arguments.test or "test" in kinds
        locks = environment.lock_files(base.version, networks=networks, test=test)
    except ValueError as error:
        _say(str(error))
        return 1
    if environment.fulfils(stamp, locks) and environment.python_of(folder).exists():
        return 0
    problem = installation.obstacle(
        folder, base.version, networks=networks, wheels=arguments.wheels
    )
    if problem:
        _say(problem)
        return 1
    installation.clear_leftovers(folder)
    steps = installation.setup_steps(
        base, folder, networks=networks, test=test, wheels=arguments.wheels
    )
    for number, step in enumerate(steps, 1):
        _say(f"[{number}/{len(steps)}] {step.description} …")
        started = time.monotonic()
        code = _carry_out(step.command, variables, quiet=not arguments.verbose)
        if code != 0:
            _say(f"This step failed (exit {code}). Run the same command again to go on from here.")
            return 1
        _say(f"[{number}/{len(steps)}] done in {time.monotonic() - started:.0f} s")
    environment.write_stamp(folder, locks)
    _say(f"The engine is ready in {folder}.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make or complete the engine's environment.")
    parser.add_argument("--create", metavar="FOLDER", default=str(ROOT / ".venv"))
    parser.add_argument("--networks", action="store_true", help="also what networks need")
    parser.add_argument("--test", action="store_true", help="also what tests need")
    parser.add_argument("--wheels", default="", metavar="FOLDER", help="install without a network")
    parser.add_argument("--proxy", default="", metavar="ADDRESS")
    parser.add_argument("--verbose", action="store_true", help="show all that pip says")
    return parser.parse_args()


def _ask(command: list[str], variables: dict[str, str]) -> str | None:
    """Return what a command printed, or None where it failed."""
    try:
        done = subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _carry_out(command: list[str], variables: dict[str, str], *, quiet: bool) -> int:
    """Run a command, with a sign of life for each package, and all of its words where it fails."""
    process = subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = []
    for line in process.stdout:
        if line.startswith("Progress "):  # many a second, for the set-up from within QGIS
            continue
        said.append(line)
        if not quiet or line.startswith(("Downloading", "  Downloading", "Installing collected")):
            _say("    " + line.strip()[:110])
    code = process.wait()
    if code != 0 and quiet:
        _say("".join(said[-30:]))
    if code != 0:
        _say(installation.reason(said))
    return code


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    _find_package()
    from gossan.engine import environment, installation

    sys.exit(main())
