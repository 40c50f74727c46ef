"""The zip in a clean profile, and the engine's set-up by the mouse, as a new user meets it."""

from __future__ import annotations

import sys
from pathlib import Path

from driver import Desktop, needs_desktop
from package_index import make_wheels

from gossan.engine import environment

pytestmark = needs_desktop

INSTALL = "import pyplugin_installer; pyplugin_installer.instance().installFromZipFile({!r})"
BANNER = "' '.join(item.text() for item in iface.messageBar().items() if item.title() == 'Gossan')"
PROCESS = "widget('gossan_setup')._setup._process.processId()"
RELOAD = "import qgis.utils; qgis.utils.reloadPlugin('gossan')"


def test_from_the_zip_to_an_engine_that_is_ready(archive: Path, tmp_path: Path):
    version = sys.version_info[:2]
    wheels = make_wheels(tmp_path / "wheels", environment.lock_files(version))
    folder = tmp_path / "profiles" / "default" / "gossan" / f"engine-py{version[0]}.{version[1]}"
    with Desktop(tmp_path, plugin=False, variables={"GOSSAN_ENGINE": ""}) as desktop:
        desktop.do(INSTALL.format(str(archive)))
        assert "not set up yet" in desktop.ask(BANNER)
        desktop.picture(tmp_path / "banner.png")
        desktop.click("gossan_banner_button")
        assert "not set up yet" in desktop.ask("widget('gossan_setup').state.text()")
        assert desktop.ask("widget('gossan_setup').where.text()") == str(folder)
        assert desktop.ask(BANNER) == ""
        desktop.do("wheels = widget('gossan_setup_wheels').lineEdit()")
        desktop.focus("gossan_setup")
        desktop.click(desktop.ask("place(wheels)"))
        desktop.type(str(wheels))
        desktop.key("Tab")
        assert "nothing to download" in desktop.ask("widget('gossan_setup').size.text()")
        desktop.click("gossan_setup_start_button")
        assert desktop.ask("widget('gossan_setup').running")
        desktop.picture(tmp_path / "running.png")
        desktop.wait_until("not widget('gossan_setup').running", 120)
        desktop.picture(tmp_path / "ended.png")
        assert desktop.ask("widget('gossan_setup').state.text()") == "<b>The engine is ready.</b>"
        assert environment.read_stamp(folder) is not None
        assert not environment.downloads_folder(folder).exists()

        desktop.do(RELOAD)
        assert desktop.ask(BANNER) == ""
        # As after an upgrade that needs other packages.
        stamp = folder / environment.STAMP
        stamp.write_text(stamp.read_text().replace('.txt": "', '.txt": "0'))
        desktop.do(RELOAD)
        assert "brought up to this version" in desktop.ask(BANNER)

        # Quitting during the set-up leaves nothing running.
        desktop.do(
            "from gossan.engine import installation\n"
            "step = installation.Step('Sleeping', ['sleep', '98765'])\n"
            "installation.setup_steps = lambda *_, **__: [step]"
        )
        desktop.click("gossan_banner_button")
        assert desktop.ask("widget('gossan_setup_start_button').text()") == "Bring up to date"
        desktop.click("gossan_setup_start_button")
        desktop.wait_until("widget('gossan_setup')._setup.running")
        process = Path(f"/proc/{desktop.ask(PROCESS)}")
        assert process.exists()
        desktop.quit()
        assert not process.exists()
    assert not folder.with_name(folder.name + ".lock").exists()
