"""Steps of the demonstration: each is one call of ``qgis_process``, as a user makes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field

PROGRESS = re.compile(r"^(?:\.|100 - done\.|[1-9]?0(?=\.(?!\d)))*(?:(?<=\.\.\.)[1-9]?0\.?)?")
"""What qgis_process prints of the progress, without ends of lines between."""


@dataclass(frozen=True)
class Step:
    """One algorithm of the toolbox with its parameters; lists become repeated parameters."""

    title: str
    algorithm: str
    parameters: dict[str, object] = field(default_factory=dict)


def run_step(number: int, count: int, step: Step) -> None:
    """Run one algorithm through ``qgis_process`` and show its progress.

    Raises
    ------
    SystemExit
        The algorithm failed; its own words were shown.
    """
    print(f"[{number}/{count}] {step.title} ...", flush=True)
    call = [os.environ["QGIS_PROCESS"], "run", f"gossan:{step.algorithm}", "--"]
    for name, value in step.parameters.items():
        values = value if isinstance(value, list) else [value]
        call += [f"{name}={item}" for item in values]
    began = time.monotonic()
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines: list[str] = []
    told = False
    for line in process.stdout or ():
        lines.append(line)
        told = told or line.startswith("Results")
        # Between the parameters and the results stands what the algorithm has to say, at times
        # behind the dots of the progress.
        text = PROGRESS.sub("", line).strip().replace("\t", " ")
        if text and not told and not _is_chatter(line):
            print(f"      {text}", flush=True)
    if process.wait() != 0:
        sys.stdout.writelines(lines)
        sys.exit(f"The step gossan:{step.algorithm} failed.")
    print(f"      done in {time.monotonic() - began:.0f} s", flush=True)


def _is_chatter(line: str) -> bool:
    """Return whether a line is of qgis_process itself and not of the algorithm."""
    start = ("QStandardPaths", "<string>", "---", "Inputs", "Results", "Problem with ")
    return line.startswith(start) or (":\t" in line and "WARNING:\t" not in line)
