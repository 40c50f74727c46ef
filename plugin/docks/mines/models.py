"""Which models there are for a search: those that ship, those that were used, those of findings."""

from __future__ import annotations

import hashlib
from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "pretrained"
DETECTORS = {
    "Simulated district (12 bands)": SHIPPED / "mine_detector_simulated.gossan",
    "Tailings, Sentinel-2 true colour (experimental)": SHIPPED / "tailings_sentinel2_rgb.gossan",
}
IMPACT_MODELS = {"Simulated district (12 bands)": SHIPPED / "mine_impact_simulated.gossan"}
FILTER = "Gossan models (*.gossan)"

_KEPT = 5
_FILE = "\0file"
_SHORT = 12


def fingerprint(path: str) -> str:
    """Return the start of a model's fingerprint, as findings carry it; "" where unreadable."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:_SHORT]
    except OSError:
        return ""


class ModelChoice(QComboBox):
    """Offers models: those that ship, those that were used last, and any file.

    Parameters
    ----------
    shipped : dict
        From names to files.
    setting : str
        Where QGIS keeps those that were used.
    nothing : str
        What the list says for no model; without it one has to be chosen.
    """

    def __init__(self, shipped: dict[str, Path], setting: str, nothing: str = "") -> None:
        super().__init__()
        self._setting = f"gossan/{setting}"
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(14)
        if nothing:
            self.addItem(nothing, "")
        for name, path in shipped.items():
            if path.is_file():
                self._add(name, str(path))
        for path in self._used():
            self._add(Path(path).name, path)
        self.addItem("From a file…", _FILE)
        self._last = self.currentIndex()
        self.activated.connect(self._on_activated)

    def path(self) -> str:
        """Return the chosen model's file; "" for none."""
        chosen = self.currentData()
        return "" if chosen in (None, _FILE) else str(chosen)

    def offer(self, path: str) -> None:
        """Add a file to the list, now and the next time."""
        if path and self.findData(path) < 0:
            self.insertItem(self.count() - 1, Path(path).name, path)
            self.setItemData(self.count() - 2, path, Qt.ItemDataRole.ToolTipRole)
        self.remember(path)

    def choose(self, path: str) -> None:
        """Choose a file, which is added where the list lacks it."""
        self.offer(path)
        if self.findData(path) >= 0:
            self._last = self.findData(path)
            self.setCurrentIndex(self._last)

    def choose_made_by(self, detector: str) -> bool:
        """Choose the model whose fingerprint findings carry; return whether it is in the list."""
        for index in range(self.count()):
            path = self.itemData(index)
            if path and path != _FILE and detector and fingerprint(path) == detector:
                self.setCurrentIndex(index)
                self._last = index
                return True
        return False

    def remember(self, path: str = "") -> None:
        """Keep a model (by default the chosen one) for the next time."""
        path = path or self.path()
        shipped = {str(each) for each in (*DETECTORS.values(), *IMPACT_MODELS.values())}
        if path and path not in shipped:
            used = [path, *(each for each in self._used() if each != path)]
            QgsSettings().setValue(self._setting, used[:_KEPT])

    def _used(self) -> list[str]:
        kept = QgsSettings().value(self._setting, [])
        listed = [kept] if isinstance(kept, str) else list(kept or [])
        return [path for path in listed if Path(path).is_file()]

    def _add(self, name: str, path: str) -> None:
        if self.findData(path) < 0:
            self.addItem(name, path)

    def _on_activated(self, index: int) -> None:
        if self.itemData(index) != _FILE:
            self._last = index
            return
        path, _ = QFileDialog.getOpenFileName(self, "A model", "", FILTER)
        self.setCurrentIndex(self._last)
        if path:
            self.choose(path)
