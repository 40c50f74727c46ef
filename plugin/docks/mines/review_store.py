"""Findings and decisions in one GeoPackage: each decision is in the file before one goes on.

An entry is first added to the table of decisions, then the state on the finding is changed. What
ends QGIS between the two is put right when the layer is opened for review again, by the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from qgis.core import (
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
)

from gossan.core.errors import FileError, InputError
from gossan.core.review import decisions
from gossan.core.review.decisions import DecisionLog, Entry
from gossan.plugin.docks.mines.review_layer import (
    STATE_FIELDS,
    FindingLayer,
    geopackage,
    require_free,
    why_not,
)
from gossan.plugin.docks.mines.review_table import DecisionTable

EARLIER = "earlier review"
"""Who made decisions that a layer brings with it without a name."""

_DIGITS = 17


@dataclass
class Opening:
    """What was found when a layer was opened for review.

    Parameters
    ----------
    taken_over : int
        Decisions that the layer brought with it, without a table of decisions.
    put_right : int
        Findings whose state was not what the table of decisions says.
    foreign : int
        Entries of the table that are about another search, and left alone.
    unknown : list of str
        Decisions of the layer that are none, and left alone.
    """

    taken_over: int = 0
    put_right: int = 0
    foreign: int = 0
    unknown: list[str] = field(default_factory=list)


class ReviewStore:
    """A layer of findings under review.

    Parameters
    ----------
    layer : QgsVectorLayer
        For which `why_not` finds no reason against it.
    probability_field : str
        "" where it tells none.

    Raises
    ------
    InputError, FileError
        When the layer cannot be reviewed; says why.
    """

    def __init__(self, layer: QgsVectorLayer, probability_field: str = "") -> None:
        reason = why_not(layer)
        if reason:
            raise InputError(reason)
        require_free(layer)
        self.layer = layer
        self.table = DecisionTable(*geopackage(layer))
        # What was opened before the journal was kept apart is opened anew.
        layer.dataProvider().enterUpdateMode()
        layer.dataProvider().leaveUpdateMode()
        self.findings = FindingLayer(layer, probability_field)
        self.log = DecisionLog()
        self.opening = Opening()
        self._read_number = 0
        self._changed: set[int] = set()
        self.refresh()
        self._take_over_and_heal()

    def close(self) -> None:
        """Let go of the file; everything is in it."""
        self.table.close()

    # ---------------------------------------------------------------- writing

    def decide(
        self,
        finding: int,
        decided: str,
        reviewer: str,
        *,
        reason: str = "",
        comment: str = "",
        queue: str = "",
    ) -> None:
        """Write a decision.

        Raises
        ------
        InputError, FileError
            Nothing was written, then, unless the sentence says otherwise.
        """
        self.findings.feature(finding)
        self._write(
            decisions.decision(
                finding,
                decided,
                reviewer,
                reason=reason,
                comment=comment,
                model=self.findings.models[finding],
                queue=queue,
            )
        )
        self._write_state(finding)

    def move(self, finding: int, geometry: QgsGeometry, reviewer: str) -> None:
        """Put a finding elsewhere, and write down where it was."""
        old = self.findings.feature(finding).geometry()
        self._write(
            self._moving(finding, decisions.MOVE, reviewer, old=as_text(old), new=as_text(geometry))
        )
        self.findings.write_geometry(finding, geometry)

    def move_entry(
        self, register: QgsVectorLayer, row: int, geometry: QgsGeometry, finding: int, reviewer: str
    ) -> None:
        """Put an entry of a register elsewhere, because of what a finding shows."""
        require_free(register)
        old = register.getFeature(row).geometry()
        self._write(
            self._moving(
                finding,
                decisions.MOVE_ENTRY,
                reviewer,
                old=as_text(old),
                new=as_text(geometry),
                layer=register.source(),
                row=row,
            )
        )
        _write_entry(register, row, geometry)

    def undo(self, reviewer: str) -> Entry | None:
        """Take the newest entry of a reviewer back, and return it; None when there is none."""
        self.refresh()
        taken = self.log.undoable(reviewer)
        if taken is None:
            return None
        register = None
        if taken.action == decisions.MOVE:
            self._require_unmoved(taken, self.findings.feature(taken.finding).geometry())
        elif taken.action == decisions.MOVE_ENTRY:
            register = self._register(taken)
            require_free(register)
            self._require_unmoved(taken, register.getFeature(taken.row).geometry())
        self._write(decisions.withdrawal(taken, reviewer))
        old = QgsGeometry.fromWkt(taken.old_place)
        if taken.action == decisions.MOVE:
            self.findings.write_geometry(taken.finding, old)
        elif register is not None:
            _write_entry(register, taken.row, old)
        else:
            self._write_state(taken.finding)
        return taken

    def refresh(self) -> None:
        """Read what was added to the table since, here or by another QGIS."""
        for entry in self.table.newer(self._read_number):
            self._read_number = entry.number
            if self._is_ours(entry):
                self.log.add(entry)
                self._changed.add(entry.finding)
            else:
                self.opening.foreign += 1

    def take_changed(self) -> set[int]:
        """Return the findings about which entries came since it was last asked."""
        changed, self._changed = self._changed, set()
        return changed

    # ---------------------------------------------------------------- inside

    def _moving(
        self,
        finding: int,
        action: str,
        reviewer: str,
        *,
        old: str,
        new: str,
        layer: str = "",
        row: int = 0,
    ) -> Entry:
        return Entry(
            finding,
            action,
            decisions.require_reviewer(reviewer),
            decisions.now(),
            model=self.findings.models[finding],
            old_place=old,
            new_place=new,
            layer=layer,
            row=row,
        )

    def _write(self, entry: Entry) -> None:
        require_free(self.layer)
        self.table.append([(entry, self.findings.places[entry.finding].fid)])
        self.refresh()

    def _write_state(self, finding: int) -> None:
        try:
            self.findings.write_states({finding: self._state(finding)})
        except FileError as problem:
            raise FileError(
                f"{problem} The decision itself is kept in the table {self.table.name}, and the "
                "finding is put right when the layer is next opened for review."
            ) from problem

    def _state(self, finding: int) -> dict[str, str]:
        entry = self.log.state(finding)
        if entry is None:
            return dict.fromkeys(STATE_FIELDS, "")
        return {
            "decision": entry.decision,
            "reason": entry.reason,
            "comment": entry.comment,
            "reviewer": entry.reviewer,
            "reviewed_at": entry.time,
            "model": entry.model,
        }

    def _is_ours(self, entry: Entry) -> bool:
        """Tell whether an entry is about a finding of this layer, and not of an older search."""
        model = self.findings.models.get(entry.finding)
        return model is not None and (not model or not entry.model or model == entry.model)

    def _take_over_and_heal(self) -> None:
        states = self.findings.read_states()
        brought = []
        known = {entry.finding for entry in self.log.entries.values()}
        for finding, state in states.items():
            decided = state["decision"].lower()
            if not decided or finding in known:
                continue
            if decided not in decisions.DECISIONS:
                self.opening.unknown.append(state["decision"])
                continue
            entry = decisions.decision(
                finding,
                decided,
                state["reviewer"] or EARLIER,
                time=_as_time(state["reviewed_at"]),
                reason=state["reason"] if decided == decisions.FALSE else "",
                comment=state["comment"],
                model=self.findings.models[finding],
            )
            brought.append((entry, self.findings.places[finding].fid))
        self.table.append(brought)
        self.opening.taken_over = len(brought)
        self.refresh()
        self._heal(states)
        self._heal_places()

    def _heal(self, states: dict[int, dict[str, str]]) -> None:
        wrong = {}
        for finding in {entry.finding for entry in self.log.entries.values()}:
            if finding in states and states[finding] != (state := self._state(finding)):
                wrong[finding] = state
        self.findings.write_states(wrong)
        self.opening.put_right += len(wrong)

    def _heal_places(self) -> None:
        newest = {
            entry.finding: entry
            for entry in self.log.entries.values()
            if entry.action == decisions.MOVE
        }
        for finding, entry in newest.items():
            taken_back = self.log.is_withdrawn(entry.number)
            before, after = entry.old_place, entry.new_place
            if taken_back:
                before, after = after, before
            there = self.layer.getFeature(self.findings.places[finding].fid).geometry()
            if as_text(there) == before:
                self.findings.write_geometry(finding, QgsGeometry.fromWkt(after))
                self.opening.put_right += 1

    def _require_unmoved(self, taken: Entry, geometry: QgsGeometry) -> None:
        if as_text(geometry) != taken.new_place:
            raise InputError(
                f"The move at finding {taken.finding} cannot be undone: since then somebody has "
                "moved or changed it again."
            )

    def _register(self, taken: Entry) -> QgsVectorLayer:
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsVectorLayer) and layer.source() == taken.layer:
                return layer
        raise InputError(
            f"The last thing you did was to move an entry of {taken.layer}. Load that layer, so "
            "that the move can be undone."
        )


def as_text(geometry: QgsGeometry) -> str:
    """Return a geometry as WKT from which exactly the same one can be made."""
    return geometry.asWkt(_DIGITS)


def _write_entry(register: QgsVectorLayer, row: int, geometry: QgsGeometry) -> None:
    if not register.dataProvider().changeGeometryValues({row: geometry}):
        raise FileError(
            f"{register.name()} cannot be changed, so its entry stays where it is. Save the "
            "register as a GeoPackage first."
        )


def _as_time(text: str) -> str:
    """Return a time as entries carry it; now where the text is none."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00").replace("/", "-"))
    except ValueError:
        return decisions.now()
    return decisions.as_time(moment)
