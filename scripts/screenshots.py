"""Take the pictures of the documentation in the real desktop: ``./run screenshots FOLDER``.

FOLDER holds a finished demonstration. QGIS runs on a screen of its own (Xvfb) in a profile of its
own, where ``desktop_pictures.py`` shows one thing after the other, and again as after installing
the zip, where ``setup_pictures.py`` begins to set the engine up (which takes a network); here the
pictures get small. Runs with the engine's Python.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from package import build
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
SCREEN = "1600x1000x24"
WIDEST = 900
"""Pixels."""

COLOURS = 256
LARGEST = 250 * 1024
"""No picture of the documentation may have more bytes."""
SECONDS = 180
"""QGIS is ended after so long, whatever it shows then."""

SETTINGS = """[PythonPlugins]
gossan=true
processing=true

[locale]
overrideFlag=true
userLocale=en_US

[qgis]
checkVersion=false
enableMessageLogs=false
showTips=false
"""


def main() -> None:
    """Take all pictures, or say which are missing."""
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation.")
    parser.add_argument("demo", type=Path, help="folder that ./run demo has filled")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", metavar="FOLDER")
    parser.add_argument("--only", choices=("demo", "setup"), help="only one of the two stories")
    arguments = parser.parse_args()
    demo = arguments.demo.absolute()
    if arguments.only != "setup" and not (demo / "gossan-demo.qgz").exists():
        sys.exit(f"There is no finished demonstration in {demo}: ./run demo {demo} makes it.")
    arguments.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gossan-pictures-") as scratch:
        raw = Path(scratch) / "raw"
        raw.mkdir()
        with screen() as display:
            if arguments.only != "setup":
                show_demo(demo, raw, Path(scratch) / "demo", display)
                shutil.copy(demo / "heavy-metals.png", raw / "demo.png")
            if arguments.only != "demo":
                show_setup(raw, Path(scratch) / "setup", display)
        for picture in sorted(raw.glob("*.png")):
            target = arguments.to / picture.name
            shrink(picture, target)
            print(f"{target} ({target.stat().st_size / 1024:.0f} KiB)")


@contextmanager
def screen() -> Iterator[str]:
    """Yield the name of a screen that nobody else uses."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        if not number:
            sys.exit("Xvfb does not start.")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


def show_demo(demo: Path, pictures: Path, scratch: Path, display: str) -> None:
    """Let QGIS show the demonstration with the checkout's plugin and engine."""
    prepare(scratch).symlink_to(ROOT)
    variables = {
        "DISPLAY": display,
        "GOSSAN_ENGINE": str(ROOT / ".venv" / "bin" / "python"),
        "GOSSAN_DEMO": str(demo),
        "GOSSAN_PICTURES": str(pictures),
    }
    show("desktop_pictures.py", scratch, variables, str(demo / "gossan-demo.qgz"))


def show_setup(pictures: Path, scratch: Path, display: str) -> None:
    """Let QGIS show how the engine is set up after the zip was installed."""
    with zipfile.ZipFile(build(scratch / "dist")) as archive:
        archive.extractall(prepare(scratch).parent)
    variables = {"DISPLAY": display, "GOSSAN_ENGINE": "", "GOSSAN_PICTURES": str(pictures)}
    show("setup_pictures.py", scratch, variables)


def prepare(scratch: Path) -> Path:
    """Make a profile, and return where the plugin is to be in it."""
    profile = scratch / "profiles" / "default"
    plugins = profile / "python" / "plugins"
    plugins.mkdir(parents=True)
    (profile / "QGIS").mkdir()
    (profile / "QGIS" / "QGIS3.ini").write_text(SETTINGS, encoding="utf-8")
    # Layers below the folder for temporary files would be marked as such.
    for folder in ("home", "temporary"):
        (scratch / folder).mkdir()
    return plugins / "gossan"


def show(script: str, scratch: Path, variables: dict[str, str], *arguments: str) -> None:
    """Let QGIS carry out a script that shows things and writes its pictures to a folder."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("QGIS_CUSTOM_CONFIG_PATH", "QT_QPA_PLATFORM")
    }
    variables = {
        **inherited,
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "temporary"),
        "PYTHONPATH": str(ROOT / "scripts"),
        **variables,
    }
    command = ["qgis", "--profiles-path", str(scratch), "--nologo", "--noversioncheck"]
    command += ["--code", str(ROOT / "scripts" / script), *arguments]
    pictures = Path(variables["GOSSAN_PICTURES"])
    done = pictures / "done"
    done.unlink(missing_ok=True)
    log = scratch / "qgis.log"
    with log.open("w") as output:
        qgis = subprocess.Popen(command, env=variables, stdout=output, stderr=output)
        try:
            qgis.wait(SECONDS)
        except subprocess.TimeoutExpired:
            qgis.kill()
            qgis.wait()
    if not done.exists():
        taken = ", ".join(sorted(path.stem for path in pictures.glob("*.png"))) or "no picture"
        said = log.read_text(errors="replace")[-3000:]
        sys.exit(f"QGIS ended with {qgis.returncode} after {taken}:\n{said}")


def shrink(picture: Path, target: Path) -> None:
    """Write a picture with few colours, no wider than a page of the help."""
    with Image.open(picture) as image:
        image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
        few = image.convert("RGB").quantize(
            COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE
        )
    few.save(target, optimize=True)
    if target.stat().st_size > LARGEST:
        sys.exit(f"{target} is too large: {target.stat().st_size:,} bytes.")


if __name__ == "__main__":
    main()
