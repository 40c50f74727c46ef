"""How the engine's environment is made."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from package_index import make_wheel

from gossan.engine import environment, installation
from gossan.engine.environment import ROOT
from gossan.engine.installation import BasePython


def make_python(folder: Path) -> Path:
    python = environment.python_of(folder)
    python.parent.mkdir(parents=True)
    python.touch()
    return python


# ---------------------------------------------------------------- which Python


def test_on_debian_it_is_the_one_that_qgis_embeds():
    assert installation.base_python_candidates(
        prefixes=("/usr", "/usr"), platform="linux", version=(3, 11), variables={}
    ) == ["/usr/bin/python3.11", "/usr/bin/python3"]


def test_on_windows_it_is_the_one_beside_qgis():
    found = installation.base_python_candidates(
        prefixes=(r"C:\QGIS\apps\Python39", r"C:\QGIS\apps\Python39"),
        platform="win32",
        version=(3, 9),
        variables={"OSGEO4W_ROOT": r"C:\QGIS"},
    )
    assert found[0] == r"C:\QGIS\apps\Python39\python.exe"


def test_on_a_mac_it_is_looked_for_in_the_bundle():
    prefix = "/Applications/QGIS.app/Contents/Frameworks/Python.framework/Versions/3.9"
    found = installation.base_python_candidates(
        prefixes=(prefix, prefix), platform="darwin", version=(3, 9), variables={}
    )
    assert found[0] == f"{prefix}/bin/python3.9"
    assert "/Applications/QGIS.app/Contents/MacOS/bin/python3" in found
    assert found.index("/usr/bin/python3") > found.index(
        "/Applications/QGIS.app/Contents/MacOS/bin/python3"
    )


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_running_program_is_never_taken_for_python(monkeypatch, platform):
    monkeypatch.setattr(sys, "executable", "/opt/qgis/bin/qgis")
    found = installation.base_python_candidates(
        prefixes=("/opt/qgis",), platform=platform, version=(3, 9), variables={}
    )
    assert "/opt/qgis/bin/qgis" not in found


def test_the_users_choice_goes_first():
    found = installation.base_python_candidates(
        prefixes=("/usr",),
        platform="linux",
        version=(3, 11),
        variables={"GOSSAN_ENGINE_BASE": "/p"},
    )
    assert found[0] == "/p"


def test_the_first_python_that_makes_environments_is_taken(plugin):
    answers = {
        "/without-venv": None,
        "/noise": "hello",
        "/32-bit": json.dumps({"version": [3, 11], "bits": 32}),
        "/too-new": json.dumps({"version": [3, 99], "bits": 64}),
        "/good": "a warning\n" + json.dumps({"version": [3, 11], "bits": 64}) + "\n",
        "/also-good": json.dumps({"version": [3, 11], "bits": 64}),
    }
    found = installation.find_base_python(
        lambda command: answers[command[0]],
        candidates=["/absent", *answers],
        root=plugin,
        exists=lambda path: path in answers,
    )
    assert found == BasePython("/good", (3, 11))


def test_where_no_python_will_do_each_is_named_with_its_reason(plugin):
    with pytest.raises(ValueError, match="GOSSAN_ENGINE_BASE") as caught:
        installation.find_base_python(
            lambda command: None,
            candidates=["/absent", "/without-venv"],
            root=plugin,
            exists=lambda path: path == "/without-venv",
        )
    assert "/absent: not there" in str(caught.value)
    assert "/without-venv: cannot make environments" in str(caught.value)


@pytest.mark.parametrize("debian", [True, False])
def test_debian_is_told_which_package_makes_environments(plugin, monkeypatch, debian):
    monkeypatch.setattr("os.path.exists", lambda path: debian and path == "/etc/debian_version")
    with pytest.raises(ValueError, match="No Python was found") as caught:
        installation.find_base_python(
            lambda command: None, candidates=["/p"], root=plugin, exists=lambda path: True
        )
    assert ("sudo apt install python3-venv" in str(caught.value)) == debian


def test_a_real_python_answers_the_probe(engine_python):
    done = subprocess.run(
        installation.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    assert environment.lock_files(installation.read_probe(done.stdout))


# ---------------------------------------------------------------- how


def test_the_steps_make_install_and_check(plugin, tmp_path):
    folder = tmp_path / "env"
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = installation.setup_steps(base, folder, root=plugin)
    python = str(environment.python_of(folder))
    assert steps[0].command == ["/usr/bin/python3", "-I", "-m", "venv", str(folder)]
    assert "--system-site-packages" not in steps[0].command
    assert steps[1].command[:4] == [python, "-I", "-m", "pip"]
    assert steps[1].command[-1] == f"pip=={installation.PIP}"
    assert steps[2].command[:4] == [python, "-I", "-m", "pip"]
    assert steps[2].packages == 2
    assert "2 packages" in steps[2].description
    requirements = plugin / "engine" / "requirements"
    assert steps[2].command[-4:] == [
        *("-c", str(requirements / "networks-py3.11.txt")),
        *("-r", str(requirements / "engine-py3.11.txt")),
    ]
    assert steps[-1].command[0] == python
    assert "numpy" in steps[-1].command[-1]
    assert "tensorflow" not in steps[-1].command[-1]


def test_with_a_folder_of_wheels_nothing_is_downloaded(plugin, tmp_path):
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = installation.setup_steps(
        base, tmp_path, networks=True, wheels="/media/wheels", root=plugin
    )
    installing = [step.command for step in steps if "install" in step.command]
    assert len(installing) == 2
    for command in installing:
        at = command.index("--no-index")
        assert command[at + 1 : at + 3] == ["--find-links", "/media/wheels"]


def test_an_environment_whose_python_is_gone_is_made_anew(plugin, tmp_path):
    (tmp_path / "pyvenv.cfg").touch()
    steps = installation.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" in steps[0].command
    make_python(tmp_path)
    steps = installation.setup_steps(BasePython("/p", (3, 11)), tmp_path, root=plugin)
    assert "--clear" not in steps[0].command


def test_wheels_that_were_kept_go_to_the_step_that_needs_them(plugin, tmp_path):
    kept = [
        tmp_path / "numpy-2.4.6-cp311-cp311-linux_x86_64.whl",
        tmp_path / "tensorflow-2.21.0-cp311-cp311-linux_x86_64.whl",
        tmp_path / "scipy-1.0.0-cp311-cp311-linux_x86_64.whl",
    ]
    base = BasePython("/usr/bin/python3", (3, 11))
    steps = installation.setup_steps(base, tmp_path, networks=True, kept=kept, root=plugin)
    engine, networks = (step.command for step in steps if "-r" in step.command)
    assert set(map(str, kept)) & set(engine) == {str(kept[0])}
    assert set(map(str, kept)) & set(networks) == {str(kept[1])}


def test_the_variables_of_the_steps_know_the_proxy_and_where_to_load_to(tmp_path):
    proxy = "http://user:secret@proxy:3128"  # pragma: allowlist secret
    found = installation.setup_environment(
        {"PYTHONHOME": "/q", "PIP_PROXY": "http://other", "NO_PROXY": "a.example"},
        proxy=proxy,
        no_proxy=["b.example"],
        downloads=tmp_path,
    )
    assert {found[name] for name in ("HTTP_PROXY", "https_proxy")} == {proxy}
    assert found["no_proxy"] == "a.example,b.example"
    assert found["TMPDIR"] == str(tmp_path / "temporary")
    assert not {"PYTHONHOME", "PIP_PROXY"} & set(found)
    assert installation.setup_environment({"PYTHONHOME": "/q"}) == {}


# ---------------------------------------------------------------- what stands in its way


def test_lack_of_space_is_said_beforehand_but_for_what_is_there(plugin, tmp_path, monkeypatch):
    folder = tmp_path / "deep" / "env"
    assert installation.obstacle(folder, (3, 11), root=plugin) == ""
    monkeypatch.setitem(installation.DISK_MEGABYTES, "engine", 10**12)
    sentence = installation.obstacle(folder, (3, 11), networks=True, root=plugin)
    assert "1,000,000,002,950 MB" in sentence
    assert "Make room" in sentence
    folder.mkdir(parents=True)
    environment.write_stamp(folder, environment.lock_files((3, 11), root=plugin))
    assert installation.obstacle(folder, (3, 11), networks=True, root=plugin) == ""


def test_a_folder_that_cannot_be_written_is_said_beforehand(plugin, tmp_path, monkeypatch):
    folder = tmp_path / "profile" / "gossan" / "env"
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    sentence = installation.obstacle(folder, (3, 11), root=plugin)
    assert f"{tmp_path} cannot be written" in sentence
    assert "another profile" in sentence


def test_a_file_where_a_folder_should_be_is_said_beforehand(plugin, tmp_path):
    (tmp_path / "gossan").touch()
    sentence = installation.obstacle(tmp_path / "gossan" / "env", (3, 11), root=plugin)
    assert f"{tmp_path / 'gossan'} is not a folder" in sentence


def test_wheels_that_are_lacking_are_named_beforehand(plugin, tmp_path):
    folder, wheels = tmp_path / "env", tmp_path / "wheels"
    problem = installation.obstacle(folder, (3, 11), wheels=str(wheels), root=plugin)
    assert "There is no folder" in problem
    make_wheel(wheels, "numpy==2.4.6")
    make_wheel(wheels, "scipy==1.0.0")
    sentence = installation.obstacle(folder, (3, 11), wheels=str(wheels), root=plugin)
    assert f"{wheels} lacks scipy==1.17.1." in sentence
    assert "Python 3.11" in sentence
    installed = environment.site_packages(folder) / "scipy-1.17.1.dist-info"
    installed.mkdir(parents=True)
    assert installation.obstacle(folder, (3, 11), wheels=str(wheels), root=plugin) == ""


def test_names_of_wheels_are_compared_as_pip_does(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text("scikit-learn==1.9.1\ncharset_normalizer==3.5.2\nPyYAML==6.0.3\nzict==3.0.0\n")
    for name in ("scikit_learn-1.9.1", "charset_normalizer-3.5.2", "pyyaml-6.0.3", "zict-2.0.0"):
        (tmp_path / f"{name}-py3-none-any.whl").touch()
    assert installation.missing_wheels(tmp_path, [lock], tmp_path / "env") == ["zict==3.0.0"]


# ---------------------------------------------------------------- what is kept, what is cleared


def test_complete_wheels_outlive_pip_and_broken_ones_do_not(tmp_path):
    unpacked = environment.downloads_folder(tmp_path) / "temporary" / "pip-unpack-x1"
    whole = make_wheel(unpacked, "numpy==2.4.6", ballast=50_000)
    torn = make_wheel(unpacked, "scipy==1.17.1", ballast=50_000)
    torn.write_bytes(torn.read_bytes()[:30_000])
    assert [path.name for path in installation.keep_wheels(tmp_path)] == [whole.name]
    installation.clear_leftovers(tmp_path)
    assert not whole.exists()
    kept = installation.keep_wheels(tmp_path)
    assert [path.name for path in kept] == [whole.name]
    assert zipfile.ZipFile(kept[0]).testzip() is None


def test_a_package_that_was_half_unpacked_no_longer_counts_as_installed(tmp_path):
    packages = environment.site_packages(tmp_path)
    whole, half = packages / "numpy-2.4.6.dist-info", packages / "scipy-1.17.1.dist-info"
    for known in (whole, half):
        known.mkdir(parents=True)
        (known / "METADATA").touch()
    (whole / "RECORD").touch()
    (packages / "~cipy").mkdir()
    installation.clear_leftovers(tmp_path)
    assert sorted(packages.iterdir()) == [whole]


# ---------------------------------------------------------------- why it failed


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "ERROR: Could not install packages: [Errno 28] No space left on device: '/profile/x'",
            "The disk is full;",
        ),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot "
            "connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication "
            "Required'))': /simple/pip/",
            "refuses the name and password",
        ),
        (
            "SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate "
            "verify failed: unable to get local issuer certificate (_ssl.c:992)'))",
            "PIP_CERT",
        ),
        (
            "error: incomplete-download\n× Download failed because not enough bytes were received",
            "was cut off",
        ),
        ("PermissionError: [Errno 13] Permission denied: '/profile/x'", "cannot be written"),
        ("ImportError: libgomp.so.1: cannot open shared object file", "cannot be loaded"),
        ("something that nobody foresaw", ""),
    ],
)
def test_known_troubles_are_said_in_a_sentence(said, sentence):
    found = installation.reason(said.splitlines())
    assert sentence in found
    assert bool(sentence) == bool(found)


def test_the_set_up_script_is_silent_where_nothing_is_to_do(tmp_path, engine_python):
    make = subprocess.run(
        installation.probe_command(str(engine_python)), capture_output=True, text=True, check=True
    )
    version = installation.read_probe(make.stdout)
    make_python(tmp_path)
    environment.write_stamp(tmp_path, environment.lock_files(version))
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "setup_engine.py"), "--create", str(tmp_path)],
        capture_output=True,
        text=True,
        env={"GOSSAN_ENGINE_BASE": str(engine_python), "PATH": "/usr/bin:/bin"},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
