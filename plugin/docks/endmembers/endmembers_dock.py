"""The dock *Endmembers*: a click on the map is a spectrum, beside others and those of libraries."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCsException,
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt import sip
from qgis.PyQt.QtWidgets import QWidget

from gossan.plugin.docks.dock import Dock
from gossan.plugin.docks.endmembers import layers
from gossan.plugin.docks.endmembers.content import Content
from gossan.plugin.docks.endmembers.errands import Errand
from gossan.plugin.docks.endmembers.library_actions import LibraryActions
from gossan.plugin.docks.endmembers.looking import Looking
from gossan.plugin.docks.endmembers.map_marks import MapMarks
from gossan.plugin.docks.endmembers.pick_tool import PickTool
from gossan.plugin.docks.endmembers.spectra import (
    VIEWS,
    Spectrum,
    SpectrumList,
    from_look,
)
from gossan.plugin.docks.endmembers.spectra_text import from_text, to_text
from gossan.processing_provider.styles import DISTINCT, GROUND

SCOPE, ENTRY = "gossan", "/endmembers/spectra"
NO_SCENE = (
    "Add a hyperspectral or multispectral image to the project: a raster file of four bands or "
    "more."
)
NO_SPECTRUM = "Press Pick on the map, then click a pixel of the image to see its spectrum."
COLOURS = {**GROUND, "tailings": "#8d9aab"}
"""Colours of classes: those of the map, but for one too light for a line on paper."""

ALL_UNTICKED = "Tick a spectrum in the list to draw it."


class EndmembersDock(Dock):
    """Shows spectra of pixels and shapes, ranks libraries and hands spectra on to the toolbox."""

    # ---------------------------------------------------------------- from start to end

    def build(self) -> QWidget:
        """Make the content and connect it."""
        self.spectra = SpectrumList(DISTINCT, COLOURS)
        self.chosen: int | None = None
        self._earlier_tool: Any = None
        self.content = Content(self)
        self.marks = MapMarks(self.canvas)
        self.tool = PickTool(self.canvas)
        self.tool.picked.connect(lambda at, add: self._look(QgsGeometry.fromPointXY(at), add))
        self.tool.outlined.connect(self._look)
        self.looking = Looking(
            self.background, self.content, looked=self._on_looked, ranked=self._on_ranked
        )
        self.actions_on_libraries = LibraryActions(self)
        content, table = self.content, self.content.table
        content.pick.toggled.connect(self._on_pick_wanted)
        content.scene.changed.connect(self._on_scene)
        content.view_changed.connect(self.draw)
        content.points_menu.aboutToShow.connect(self._offer_points)
        table.changed.connect(self._on_changed)
        table.chosen.connect(self._on_chosen)
        table.removal_wanted.connect(self._remove_selected)
        content.remove.clicked.connect(self._remove_selected)
        content.clear.clicked.connect(self._remove_all)
        content.recolour.clicked.connect(self._recolour)
        content.copy.clicked.connect(self._copy)
        content.library.library_changed.connect(self._rank)
        content.library.ticks_changed.connect(self.draw)
        project = QgsProject.instance()
        self.follow(self.canvas.mapToolSet, self._on_tool_set)
        self.follow(self.canvas.destinationCrsChanged, self._mark)
        self.follow(project.cleared, self._forget_all)
        self.follow(project.readProject, lambda _: self._read_project())
        self.follow(project.writeProject, lambda _: self._write_project())
        self._on_scene()
        self._read_project()
        return content

    def take_up(self) -> None:
        """Mark on the map where the spectra come from."""
        self._mark()

    def put_away(self) -> None:
        """Give the map tool back and take the marks away."""
        self.content.pick.setChecked(False)
        self.marks.clear()

    def release(self) -> None:
        """Leave the map without a trace."""
        super().release()
        if self._built:
            self.tool.remove()

    # ---------------------------------------------------------------- the map

    def _on_pick_wanted(self, wanted: bool) -> None:
        if wanted and self.canvas.mapTool() is not self.tool:
            self.looking.warm()
            self._earlier_tool = self.canvas.mapTool()
            self.canvas.setMapTool(self.tool)
        elif not wanted and self.canvas.mapTool() is self.tool:
            if self._earlier_tool is None or sip.isdeleted(self._earlier_tool):
                self.canvas.unsetMapTool(self.tool)
            else:
                self.canvas.setMapTool(self._earlier_tool)

    def _on_tool_set(self, tool: Any, _: Any = None) -> None:
        self.content.pick.setChecked(tool is self.tool)

    def _look(self, geometry: QgsGeometry, add: bool) -> None:
        """Ask for the spectrum of a place, or of a shape, of the canvas."""
        layer = self.content.scene.layer()
        if layer is None:
            self.content.say(NO_SCENE)
            return
        source = self.canvas.mapSettings().destinationCrs()
        try:
            placed = layers.moved(geometry, source, layer.crs())
        except QgsCsException:
            self.content.say(f"This place has no coordinates in the CRS of {layer.name()}.")
            return
        if placed.type() == QgsWkbTypes.GeometryType.PointGeometry:
            what: dict[str, Any] = {"points": [list(placed.asPoint())]}
        else:
            what = {"rings": [[[p.x(), p.y()] for p in ring[:-1]] for ring in placed.asPolygon()]}
        self.looking.ask(layer, what, self.content.library.path, keep=add)

    def _add_points(self, points_layer: QgsVectorLayer) -> None:
        """Add the spectra at the endmembers of a layer."""
        layer = self.content.scene.layer()
        try:
            found = layers.endmember_points(points_layer, layer.crs())
        except QgsCsException:
            self.content.say(f"{points_layer.name()} does not lie where {layer.name()} does.")
            return
        if not found.places:
            self.content.say(f"{points_layer.name()} holds no endmember.")
            return
        self.looking.ask(
            layer,
            {"points": found.places},
            self.content.library.path,
            keep=True,
            names=found.names,
            groups=found.groups,
            pixels=found.pixels,
        )

    # ---------------------------------------------------------------- the engine's answers

    def _on_looked(self, errand: Errand, answer: dict[str, Any]) -> None:
        found = from_look(
            answer,
            errand.layer,
            errand.crs,
            names=errand.names or None,
            groups=errand.groups or None,
        )
        for spectrum in found:
            spectrum.passing = not errand.keep
            self.spectra.add(spectrum)
        self.chosen = found[0].key
        self.content.say(" ".join([*errand.misplaced(answer["spectra"]), *answer["notes"]]))
        notes = " ".join(answer["library_notes"])
        self.content.library.show_ranking(answer["nearest"], found[0], notes)
        self.refresh(changed=errand.keep)

    def _rank(self) -> None:
        """Rank the library for the chosen spectrum."""
        self.looking.rank(self.spectra.get(self.chosen), self.content.library.path)

    def _on_ranked(
        self, spectrum: Spectrum | None, nearest: list[dict[str, Any]], notes: list[str]
    ) -> None:
        self.content.library.show_ranking(nearest, spectrum, " ".join(notes))
        self.draw()

    # ---------------------------------------------------------------- the list

    def refresh(self, *, changed: bool = False) -> None:
        """Show the list as it is, here, in the plot and on the map."""
        if changed:
            QgsProject.instance().setDirty(True)
        self.content.show_list(self.spectra, self.chosen)
        self.draw()
        self._mark()

    def draw(self) -> None:
        """Draw what is ticked."""
        content, ticked = self.content, self.spectra.ticked
        rows = content.library.ticked
        if not len(self.spectra):
            content.plot.say(NO_SPECTRUM if content.scene.layer() else NO_SCENE)
        elif not ticked and not rows:
            content.plot.say(ALL_UNTICKED)
        else:
            view = VIEWS[content.continuum.isChecked(), content.derivative.isChecked()]
            content.plot.show_spectra(ticked, rows, view, self.chosen)

    def _on_changed(self, key: int, values: dict[str, Any]) -> None:
        self.spectra.change(key, **values)
        spectrum = self.spectra.get(key)
        if spectrum is not None:
            self.content.table.renew(spectrum)
        QgsProject.instance().setDirty(True)
        self.draw()
        self._mark()

    def _on_chosen(self, key: int | None) -> None:
        self.chosen = key
        spectrum = self.spectra.get(key)
        if spectrum is not None:
            self.marks.flash(spectrum)
        self._rank()
        self.draw()

    def _remove_selected(self) -> None:
        self.spectra.remove(self.content.table.selected_keys())
        self._after_removal()

    def _remove_all(self) -> None:
        self.spectra.clear()
        self._after_removal()

    def _after_removal(self) -> None:
        if self.spectra.get(self.chosen) is None:
            self.chosen = None
            self._rank()
        self.refresh(changed=True)

    def _recolour(self) -> None:
        keys = self.content.table.selected_keys()
        spectrum = self.spectra.get(keys[0]) if keys else None
        colour = self.content.ask_colour(spectrum.colour) if spectrum is not None else ""
        if colour:
            for key in keys:
                self.spectra.change(key, colour=colour)
            self.refresh(changed=True)

    def _copy(self) -> None:
        view = VIEWS[self.content.continuum.isChecked(), self.content.derivative.isChecked()]
        self.content.copy_table(self.spectra.ticked, view)

    def _mark(self) -> None:
        if self._awake:
            self.marks.show(self.spectra.ticked)

    # ---------------------------------------------------------------- the project

    def _on_scene(self) -> None:
        there = self.content.scene.layer() is not None
        self.content.enable(there)
        if not there:
            self.content.pick.setChecked(False)
        if not len(self.spectra):
            self.draw()

    def _offer_points(self) -> None:
        found = [
            layer
            for layer in QgsProject.instance().mapLayers().values()
            if layers.is_endmember_points(layer)
        ]
        self.content.offer_points(found, self._add_points)

    def _forget_all(self) -> None:
        self.looking.forget()
        self.spectra.clear()
        self.chosen = None
        self.content.library.show_ranking([], None)
        self.content.say("")
        self.refresh()

    def _write_project(self) -> None:
        project, kept = QgsProject.instance(), self.spectra.kept
        if kept:
            project.writeEntry(SCOPE, ENTRY, to_text(kept))
        else:
            project.removeEntry(SCOPE, ENTRY)

    def _read_project(self) -> None:
        text, _ = QgsProject.instance().readEntry(SCOPE, ENTRY, "")
        found = from_text(text) if text else []
        if found:
            for spectrum in found:
                colour = spectrum.colour
                self.spectra.add(spectrum).colour = colour
            self.refresh()
            self.looking.treat(found, self.draw)
