"""Asks the engine, in the background, what it has and where it runs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from typing import Any

from qgis.core import Qgis, QgsTask
from qgis.PyQt.QtCore import qVersion

from gossan.core.origin import gossan_version
from gossan.engine import client, environment


class DiagnosisTask(QgsTask):
    """Runs the diagnosis and hands its text over in the main thread.

    Parameters
    ----------
    done : callable
        Called with the text, unless the task was cancelled.
    """

    def __init__(self, done: Callable[[str], None]) -> None:
        super().__init__("Gossan: diagnose the engine", QgsTask.Flag.CanCancel)
        self._done = done
        self._text = ""

    def run(self) -> bool:
        """Ask; in a background thread."""
        state = client.state()
        try:
            answer = client.run_job("engine.diagnose", {}, None)
        except client.EngineError as error:
            trouble = f"{error}\n{error.detail}".strip() if state.ready else ""
            self._text = describe(state, None, trouble)
        else:
            self._text = describe(state, answer)
        return True

    def finished(self, result: bool) -> None:
        """Hand the text over; in the main thread."""
        if result and not self.isCanceled():
            self._done(self._text)


def describe(state: environment.State, answer: dict[str, Any] | None, trouble: str = "") -> str:
    """Return the diagnosis as plain text, fit for an error report."""
    lines = [
        f"Gossan {gossan_version()}",
        f"QGIS {Qgis.QGIS_VERSION}, Qt {qVersion()}, Python {sys.version.split()[0]}",
        state.sentence,
        *([trouble] if trouble else []),
    ]
    if answer is not None:
        lines += [
            "",
            f"Engine: Gossan {answer['gossan']}, Python {answer['python']} "
            f"({answer['executable']})",
            f"Machine: {answer['platform']}, {answer['cores']} cores, "
            f"{answer['memory_available_gib']} of {answer['memory_gib']} GiB memory free",
            "",
            "Packages:",
            *(
                f"    {name} {version or 'not installed'}"
                for name, version in answer["packages"].items()
            ),
        ]
    else:
        lines.append(f"Machine: {platform.platform()}")
    return "\n".join(lines)
