"""The docks come from the menu, stay where they were put, and leave without a trace."""

from __future__ import annotations

import pytest
from driver import Desktop, needs_desktop

from gossan.plugin.docks.registry import ENTRIES

pytestmark = needs_desktop

SHOWN = (
    "sorted(d.objectName() for d in iface.mainWindow().findChildren(QDockWidget)"
    " if d.objectName().startswith('gossan_dock_') and not d.isHidden())"
)
NAMES = sorted(f"gossan_dock_{entry.name}" for entry in ENTRIES)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "desktop"


def test_docks_open_from_the_menu_and_are_remembered(folder):
    with Desktop(folder) as desktop:
        assert desktop.ask(SHOWN) == []
        for position, _ in enumerate(ENTRIES, 1):
            desktop.click("gossanButton")
            desktop.key(*["Down"] * position, "Return")
        assert desktop.ask(SHOWN) == NAMES
        # The first is closed again and the last one put on the left.
        desktop.click("gossanButton")
        desktop.key("Down", "Return")
        last = f"gossan_dock_{ENTRIES[-1].name}"
        desktop.do(
            f"iface.mainWindow().addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, "
            f"widget({last!r}))"
        )
        desktop.quit()
    with Desktop(folder) as desktop:
        closed = f"gossan_dock_{ENTRIES[0].name}"
        assert desktop.ask(SHOWN) == [name for name in NAMES if name != closed]
        assert desktop.ask(
            f"iface.mainWindow().dockWidgetArea(widget({last!r})) == "
            "Qt.DockWidgetArea.LeftDockWidgetArea"
        )


def test_docks_without_matplotlib_say_what_to_install(folder):
    with Desktop(folder) as desktop:
        desktop.do(
            "import sys\n"
            "class Refuse:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            "        if name.partition('.')[0] == 'matplotlib':\n"
            "            raise ImportError(name)\n"
            "sys.meta_path.insert(0, Refuse())\n"
            "for name in [name for name in sys.modules if name.startswith('matplotlib')]:\n"
            "    del sys.modules[name]"
        )
        for entry in ENTRIES:
            desktop.do(f"dock = open_dock({entry.name!r})")
            desktop.wait_until("dock.isVisible() and calm()")
        assert desktop.ask(SHOWN) == NAMES
        desktop.do("dock = open_dock('endmembers')")
        assert desktop.wait_until(
            "[label.text() for label in dock.findChildren(QLabel)"
            " if label.isVisible() and 'python3-matplotlib' in label.text()]"
        )
        assert "Traceback" not in desktop.log()
