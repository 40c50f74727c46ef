"""Which layers the dock looks at: the map, its probabilities, a reference, a second map."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import QgsIconUtils, QgsMapLayer, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QWidget

from gossan.plugin.docks.lithology.layer_choice import (
    kept_or_first,
    likely_field,
    likely_probabilities,
)
from gossan.plugin.docks.lithology.project_layers import (
    drawn_by,
    facts_of,
    find,
    polygons,
    rasters,
)
from gossan.plugin.docks.lithology.words import narrow


class Chooser(QWidget):
    """The choice of layers, which follows what is in the project."""

    map_changed = pyqtSignal()
    probabilities_changed = pyqtSignal()
    reference_changed = pyqtSignal()
    """The reference or its field is another one."""
    second_changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._map = _box("lithology_map", "The class map to look at.")
        self._probabilities = _box(
            "lithology_probabilities",
            "One band for each class, from Map lithology. Found by itself where the names of the "
            "bands are those of the classes.",
        )
        self._reference = _box(
            "lithology_reference",
            "What the map is held against: polygons with a class field, or another class raster.",
        )
        self._field = _box("lithology_field", "The field of the polygons that holds the class.")
        self._second = _box("lithology_second", "Another class map, to blink or swipe against.")
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        reference = QHBoxLayout()
        reference.addWidget(self._reference, 3)
        reference.addWidget(self._field, 2)
        form.addRow("Map", self._map)
        form.addRow("Probabilities", self._probabilities)
        form.addRow("Reference", reference)
        form.addRow("Second map", self._second)
        self._legends: dict[str, bool] = {}
        self._shares: dict[str, tuple[str, ...]] = {}
        self._told: tuple[str | None, ...] = (None,) * 5
        self._chosen_probabilities: dict[str, str | None] = {}
        self._map.activated.connect(lambda _: self._on_map())
        self._probabilities.activated.connect(lambda _: self._on_probabilities())
        for box in (self._reference, self._field, self._second):
            box.activated.connect(lambda _: self._settle())

    # ---------------------------------------------------------------- what is chosen

    def map(self) -> QgsRasterLayer | None:
        """Return the class map; None where the project has none."""
        return find(self._map.currentData())

    def probabilities(self) -> QgsRasterLayer | None:
        """Return the raster of probabilities; None where there is none."""
        return find(self._probabilities.currentData())

    def reference(self) -> QgsMapLayer | None:
        """Return polygons or a class raster; None where none is chosen."""
        return find(self._reference.currentData())

    def field(self) -> str:
        """Return the class field of polygons; empty for a raster."""
        return str(self._field.currentData() or "")

    def second(self) -> QgsRasterLayer | None:
        """Return the second map; None where none is chosen."""
        return find(self._second.currentData())

    # ---------------------------------------------------------------- following the project

    def refresh(self) -> None:
        """Offer what the project has now, and keep what was chosen where it is still there."""
        facts = {layer.id(): facts_of(layer, self._legends) for layer in rasters()}
        maps = [identifier for identifier, each in facts.items() if each.is_class_map]
        kept = kept_or_first(self._map.currentData(), maps)
        _fill(self._map, maps, kept)
        self._shares = {
            identifier: each.bands
            for identifier, each in facts.items()
            if each.may_hold_probabilities
        }
        areas = [layer.id() for layer in polygons()]
        self._fill_optional(self._reference, "None", [*areas, *maps])
        self._fill_optional(self._second, "None", maps)
        self._settle()

    def suggest_probabilities(self, classes: Sequence[str]) -> None:
        """Choose the probabilities of a map whose classes have become known, unless one has chosen.

        Parameters
        ----------
        classes : sequence of str
            Their names.
        """
        map_ = self.map()
        if map_ is None or map_.id() in self._chosen_probabilities:
            return
        likely = likely_probabilities(self._shares, classes)
        self._probabilities.setCurrentIndex(max(self._probabilities.findData(likely), 0))
        self._settle()

    def _fill_optional(self, box: QComboBox, none: str, identifiers: Sequence[str]) -> None:
        chosen = box.currentData()
        _fill(box, identifiers, chosen if chosen in identifiers else None, none)

    def _on_map(self) -> None:
        if self._map.currentData() == self._told[0]:
            # Chosen once more, as after its file was written anew.
            self.map_changed.emit()
        self._settle()

    def _on_probabilities(self) -> None:
        map_ = self.map()
        if map_ is not None:
            self._chosen_probabilities[map_.id()] = self._probabilities.currentData()
        self._settle()

    def _settle(self) -> None:
        """Bring the boxes into line with each other, and tell what has changed."""
        map_, *before = self._told
        chosen = self._map.currentData()
        if chosen != map_:
            wanted = self._chosen_probabilities.get(chosen)
        else:
            wanted = self._probabilities.currentData()
        _fill(self._probabilities, list(self._shares), wanted, "None")
        # A map is not held against itself.
        for box in (self._reference, self._second):
            if chosen is not None and box.currentData() == chosen:
                box.setCurrentIndex(0)
        self._fill_fields()
        now = (
            chosen,
            self._probabilities.currentData(),
            self._reference.currentData(),
            self._field.currentData(),
            self._second.currentData(),
        )
        self._told = now
        if chosen != map_:
            self.map_changed.emit()
        if now[1] != before[0]:
            self.probabilities_changed.emit()
        if list(now[2:4]) != before[1:3]:
            self.reference_changed.emit()
        if now[4] != before[3]:
            self.second_changed.emit()

    def _fill_fields(self) -> None:
        layer = self.reference()
        vector = isinstance(layer, QgsVectorLayer)
        self._field.setVisible(vector)
        fields = [field.name() for field in layer.fields()] if vector else []
        chosen = self._field.currentData()
        if self._told[2] != self._reference.currentData() or chosen not in fields:
            chosen = likely_field(fields, drawn_by(layer)) if vector else None
        self._field.clear()
        for field in fields:
            self._field.addItem(field, field)
        self._field.setCurrentIndex(self._field.findData(chosen))


def _box(name: str, tip: str) -> QComboBox:
    box = narrow(QComboBox())
    box.setObjectName(name)
    box.setToolTip(tip)
    return box


def _fill(
    box: QComboBox, identifiers: Sequence[str], chosen: str | None, none: str | None = None
) -> None:
    box.clear()
    if none is not None:
        box.addItem(none, None)
    for identifier in identifiers:
        layer = QgsProject.instance().mapLayer(identifier)
        if layer is not None:
            box.addItem(QgsIconUtils.iconForLayer(layer), layer.name(), identifier)
    index = box.findData(chosen) if chosen is not None else -1
    box.setCurrentIndex(index if index >= 0 else 0)
