"""What pip does by the commands and variables of the set-up, against an index on this machine."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys

import pytest
from package_index import PackageIndex, make_wheel

from gossan.engine import environment, installation
from gossan.engine.installation import BasePython

pytestmark = pytest.mark.skipif(
    "GOSSAN_IN_QGIS" in os.environ, reason="pip is the engine's; QGIS's Python has no part in it"
)

NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    make_wheel(folder, "numpy==2.4.6", ballast=900_000)
    make_wheel(folder, "scipy==1.17.1")
    with PackageIndex(folder) as index:
        yield index


@pytest.fixture(autouse=True)
def forget(index):
    index.requests.clear()
    index.logins.clear()
    index.cut_after.clear()


@pytest.fixture
def pip(engine_python, plugin, tmp_path, index):
    """A function that runs the step that installs, into a folder that it returns with the words."""
    stated = subprocess.run(
        [engine_python, "-m", "pip", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if tuple(int(number) for number in re.findall(r"\d+", stated)[:2]) < (25, 1):
        pytest.skip("the engine was set up before it had a pip that goes on with downloads")

    def run(*, wheels="", kept=(), variables=None, **options):
        environment_folder = tmp_path / "environment"
        downloads = environment.downloads_folder(environment_folder)
        (downloads / "temporary").mkdir(parents=True, exist_ok=True)
        steps = installation.setup_steps(
            BasePython(sys.executable, (3, 11)),
            environment_folder,
            wheels=wheels,
            kept=kept,
            root=plugin,
        )
        (step,) = (step for step in steps if "-r" in step.command)
        done = subprocess.run(
            [engine_python, *step.command[1:], "--target", tmp_path / "installed"],
            env=installation.setup_environment(
                {
                    "PATH": os.defpath,
                    "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
                    "PIP_CONFIG_FILE": os.devnull,
                    "PIP_INDEX_URL": index.url,
                    "PIP_RETRIES": "1",
                    "PIP_TRUSTED_HOST": "index.example",
                    **(variables or {}),
                },
                downloads=downloads,
                **options,
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        done.installed = {path.name for path in (tmp_path / "installed").glob("*.dist-info")}
        return done

    return run


BOTH = {"numpy-2.4.6.dist-info", "scipy-1.17.1.dist-info"}


def test_a_download_that_is_cut_off_goes_on_where_it_was(pip, index):
    index.cut_after["numpy"] = 400_000
    done = pip()
    assert done.installed == BOTH, done.stdout
    assert index.asked_for("numpy") == ["", "bytes=400000-", "bytes=800000-"]
    size = next(index.folder.glob("numpy-*")).stat().st_size
    assert f"Progress {size} of {size}" in done.stdout.splitlines()


def test_a_wheel_that_was_kept_is_not_downloaded_again(pip, index, tmp_path):
    kept = make_wheel(tmp_path / "kept", "numpy==2.4.6")
    # What the user told pip for other purposes does not lead elsewhere.
    done = pip(kept=[kept], variables={"PIP_USER": "1", "PIP_ROOT": str(tmp_path / "elsewhere")})
    assert done.installed == BOTH, done.stdout
    assert index.asked_for("numpy") == []
    assert index.asked_for("scipy") == [""]


def test_from_a_folder_of_wheels_nothing_is_asked_of_the_index(pip, index):
    done = pip(wheels=str(index.folder))
    assert done.installed == BOTH, done.stdout
    assert index.requests == []


def test_the_proxy_gets_name_and_password(pip, index):
    done = pip(
        variables={"PIP_INDEX_URL": "http://index.example/simple"},
        proxy=f"http://me%40home:a%2Fb@{index.host}",  # pragma: allowlist secret
    )
    assert done.installed == BOTH, done.stdout
    assert index.logins == {"Basic " + base64.b64encode(b"me@home:a/b").decode()}


def test_hosts_that_the_proxy_is_not_for_are_reached_without_it(pip):
    done = pip(proxy=NOBODY_LISTENS, no_proxy=["127.0.0.1"])
    assert done.installed == BOTH, done.stdout


def test_why_pip_failed_is_said_in_a_sentence(pip, index, tmp_path):
    unreachable = pip(variables={"PIP_INDEX_URL": f"{NOBODY_LISTENS}/simple"})
    assert "index cannot be reached" in installation.reason(unreachable.stdout.splitlines())
    no_proxy = pip(proxy=NOBODY_LISTENS)
    assert "proxy of QGIS's settings" in installation.reason(no_proxy.stdout.splitlines())
    make_wheel(tmp_path / "some", "numpy==2.4.6")
    lacking = pip(wheels=str(tmp_path / "some"))
    assert "no wheel of scipy==1.17.1" in installation.reason(lacking.stdout.splitlines())
    assert all(done.returncode != 0 for done in (unreachable, no_proxy, lacking))
