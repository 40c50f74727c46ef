"""Drives a real QGIS window, on a screen of its own, with mouse and keys."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENGINE = Path(os.environ.get("GOSSAN_ENGINE", ROOT / ".venv" / "bin" / "python"))
SCREEN = (1600, 1000)
START_SECONDS = 120
DOUBLE_CLICK_SECONDS = 0.5
"""Longer than the time in which a second click is taken for half of a double one."""

SETTINGS = """[PythonPlugins]
{plugins}

[locale]
overrideFlag=true
userLocale=en_US

[qgis]
checkVersion=false
enableMessageLogs=false
showTips=false
{settings}
"""


def missing_programs() -> list[str]:
    """Return which of the programs that a desktop test needs are not installed."""
    return [name for name in ("Xvfb", "qgis", "xdotool", "import") if shutil.which(name) is None]


class Desktop:
    """A running QGIS with the plugin, in a profile of its own; use it as a context manager.

    Parameters
    ----------
    folder : Path
        For the profile, the log and pictures; a folder used before is used again, so that a test
        can start QGIS a second time.
    project : Path, optional
        Opened at the start.
    settings : str, optional
        Lines for the section ``[qgis]`` of the profile's settings.
    plugin : bool, optional
        Whether the checkout's plugin is linked into the profile and enabled.
    variables : dict, optional
        Further environment variables, such as ``QT_SCALE_FACTOR``.
    """

    def __init__(
        self,
        folder: Path,
        *,
        project: Path | None = None,
        settings: str = "",
        plugin: bool = True,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self._project = project
        self._settings = settings
        self._plugin = plugin
        self._variables = variables or {}
        self._screen: subprocess.Popen[bytes] | None = None
        self._qgis: subprocess.Popen[bytes] | None = None
        self._display = ""
        self._connection: Any = None
        self._clicked = 0.0

    # ---------------------------------------------------------------- from start to end

    def __enter__(self) -> Desktop:
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._open_screen()
            self._open_qgis()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if kind is not None and self._screen is not None:
            self.picture(self.folder / "failure.png")
            sys.stderr.write(
                f"The screen at the failure: {self.folder / 'failure.png'}\n{self.log()[-3000:]}\n"
            )
        self.close()

    def close(self) -> None:
        """End QGIS and the screen."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for process in (self._qgis, self._screen):
            if process is not None and process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        self._qgis = self._screen = None

    def kill(self) -> None:
        """Kill QGIS at once, as a crash does."""
        assert self._qgis is not None
        self._qgis.send_signal(signal.SIGKILL)
        self._qgis.wait()

    def quit(self, seconds: float = 30) -> None:
        """Have QGIS end as a user would, without saving the project."""
        self.do(
            "QgsProject.instance().setDirty(False)\n"
            "from qgis.PyQt.QtCore import QTimer\n"
            "QTimer.singleShot(0, iface.mainWindow().close)"
        )
        assert self._qgis is not None
        self._qgis.wait(seconds)

    def log(self) -> str:
        """Return what QGIS has written to its output."""
        return (self.folder / "qgis.log").read_text(encoding="utf-8", errors="replace")

    # ---------------------------------------------------------------- asking

    def ask(self, expression: str) -> Any:
        """Return the value of a Python expression inside QGIS (see ``agent.py`` for its names)."""
        return self._request(expression, answer=True)

    def do(self, code: str) -> None:
        """Carry out Python statements inside QGIS."""
        self._request(code, answer=False)

    def wait_until(self, expression: str, seconds: float = 20) -> Any:
        """Wait until an expression is true inside QGIS, and return its value."""
        deadline = time.monotonic() + seconds
        while True:
            value = self.ask(expression)
            if value:
                return value
            assert time.monotonic() < deadline, f"This never came true: {expression}"
            time.sleep(0.1)

    # ---------------------------------------------------------------- mouse and keys

    def click(
        self, target: str | Sequence[int], *, button: int = 1, keys: Sequence[str] = ()
    ) -> None:
        """Click a widget (by its object name) or a place on the screen, perhaps with keys held."""
        self._wait_out_double_click()
        self.move(target)
        held = [part for key in keys for part in ("keydown", key)]
        released = [part for key in keys for part in ("keyup", key)]
        self._xdotool(*held, "click", str(button), *released)
        self._clicked = time.monotonic()
        self.settle()

    def double_click(self, target: str | Sequence[int]) -> None:
        """Double-click a widget or a place."""
        self._wait_out_double_click()
        self.move(target)
        self._xdotool("click", "--repeat", "2", "--delay", "60", "1")
        self._clicked = time.monotonic()
        self.settle()

    def move(self, target: str | Sequence[int]) -> None:
        """Move the mouse to a widget or a place."""
        x, y = self.ask(f"place({target!r})") if isinstance(target, str) else target
        self._xdotool("mousemove", str(x), str(y))

    def drag(self, start: Sequence[int], end: Sequence[int]) -> None:
        """Drag from one place of the screen to another."""
        self._wait_out_double_click()
        self.move(start)
        self._xdotool("mousedown", "1")
        for step in range(1, 6):
            self.move([round(a + (b - a) * step / 5) for a, b in zip(start, end)])
            time.sleep(0.05)
        self._xdotool("mouseup", "1")
        self._clicked = time.monotonic()
        self.settle()

    def key(self, *names: str) -> None:
        """Press keys one after the other, by X11's names: ``m``, ``Return``, ``ctrl+z``."""
        for name in names:
            self._xdotool("key", name)
            self.settle()

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "20", text)
        self.settle()

    def focus(self, name: str = "") -> None:
        """Bring QGIS's window, or the window of a widget, to the front and give it the keys."""
        window = f"widget({name!r}).window()" if name else "iface.mainWindow()"
        self.do(f"{window}.raise_(); {window}.activateWindow()")
        self._xdotool("windowfocus", str(self.ask(f"int({window}.winId())")))
        self.settle()

    def settle(self) -> None:
        """Let QGIS deal with what has arrived."""
        for _ in range(2):
            time.sleep(0.05)
            self.ask("None")  # answered once QGIS's loop is back from what came before

    # ---------------------------------------------------------------- pictures

    def picture(self, path: Path, of: str = "") -> Path:
        """Take a picture of the screen, or of a widget (by its object name)."""
        command = ["import", "-display", self._display, "-window", "root"]
        if of:
            shown = f"widget({of!r})"
            x, y, width, height = self.ask(
                f"(lambda w: (lambda p: [p.x(), p.y(), w.width(), w.height()])"
                f"(w.mapToGlobal(QPoint(0, 0))))({shown})"
            )
            command += ["-crop", f"{width}x{height}+{x}+{y}", "+repage"]
        subprocess.run([*command, str(path)], check=True, timeout=30)
        return path

    # ---------------------------------------------------------------- inside

    def _wait_out_double_click(self) -> None:
        time.sleep(max(0.0, self._clicked + DOUBLE_CLICK_SECONDS - time.monotonic()))

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(
            ["xdotool", *arguments],
            env={**os.environ, "DISPLAY": self._display},
            check=True,
            timeout=20,
            stdout=subprocess.DEVNULL,
        )

    def _open_screen(self) -> None:
        reading, writing = os.pipe()
        width, height = SCREEN
        self._screen = subprocess.Popen(
            [
                *("Xvfb", "-displayfd", str(writing), "-nolisten", "tcp"),
                *("-screen", "0", f"{width}x{height}x24"),
            ],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start."
        self._display = f":{number}"

    def _open_qgis(self) -> None:
        profile = self.folder / "profiles" / "default"
        self._prepare(profile)
        port = self.folder / "agent.port"
        port.unlink(missing_ok=True)
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("QT_QPA_PLATFORM", "PYTHONPATH", "WAYLAND_DISPLAY")
        }
        environment.update(
            DISPLAY=self._display,
            HOME=str(self.folder),
            LC_ALL="C.UTF-8",
            GOSSAN_ENGINE=str(ENGINE),
            GOSSAN_AGENT=str(port),
            XDG_RUNTIME_DIR=str(self.folder / "runtime"),
        )
        environment.update(self._variables)
        (self.folder / "runtime").mkdir(mode=0o700, exist_ok=True)
        command = [
            *("qgis", "--profiles-path", str(self.folder), "--nologo", "--noversioncheck"),
            *("--code", str(Path(__file__).with_name("agent.py"))),
        ]
        if self._project is not None:
            command.append(str(self._project))
        with open(self.folder / "qgis.log", "wb") as log:
            self._qgis = subprocess.Popen(
                command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )
        deadline = time.monotonic() + START_SECONDS
        while not port.exists():
            assert self._qgis.poll() is None, f"QGIS ended at its start: {self.log()[-3000:]}"
            assert time.monotonic() < deadline, "QGIS did not start in time."
            time.sleep(0.1)
        self._connection = socket.create_connection(
            ("127.0.0.1", int(port.read_text())), timeout=60
        ).makefile("rw", encoding="utf-8")
        width, height = SCREEN
        self.do(f"iface.mainWindow().setGeometry(0, 0, {width}, {height})")
        self.wait_until("calm()", 60)
        self.focus()

    def _prepare(self, profile: Path) -> None:
        settings = profile / "QGIS" / "QGIS3.ini"
        if not settings.exists():
            settings.parent.mkdir(parents=True)
            enabled = "gossan=true\nprocessing=true" if self._plugin else "processing=true"
            settings.write_text(SETTINGS.format(plugins=enabled, settings=self._settings))
        link = profile / "python" / "plugins" / "gossan"
        if self._plugin and not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(ROOT)

    def _request(self, code: str, *, answer: bool) -> Any:
        self._connection.write(json.dumps({"code": code, "answer": answer}) + "\n")
        self._connection.flush()
        line = self._connection.readline()
        assert line, f"QGIS has ended: {self.log()[-3000:]}"
        reply = json.loads(line)
        if "error" in reply:
            raise RuntimeError(f"In QGIS, {code!r}:\n{reply['error']}")
        return reply["value"]


needs_desktop = pytest.mark.skipif(
    bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"
)
"""For tests that need a window and mouse."""
