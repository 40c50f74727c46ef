"""The bench: one finding on the card and on the map, keys and buttons to judge it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qgis.core import QgsGeometry, QgsProject
from qgis.PyQt.QtCore import Qt, pyqtSignal

from gossan.core.errors import GossanError
from gossan.core.review.agreement import agreements
from gossan.core.review.decisions import MOVE
from gossan.plugin.docks.mines.review_drag import Dragging, Held
from gossan.plugin.docks.mines.review_export import open_export
from gossan.plugin.docks.mines.review_files import hand_over
from gossan.plugin.docks.mines.review_form import BenchForm
from gossan.plugin.docks.mines.review_keys import ReviewKeys, actions_of
from gossan.plugin.docks.mines.review_map import Frame
from gossan.plugin.docks.mines.review_sentences import facts, opening_sentences
from gossan.plugin.docks.mines.review_session import ReviewSession
from gossan.plugin.docks.mines.review_store import ReviewStore

if TYPE_CHECKING:
    from gossan.plugin.docks.mines.mines_dock import MinesDock

ALL_JUDGED = "That was the last one of this order. Choose another order, or export."
EMPTY = "No finding of this layer comes up in this order. Choose another order, or show all."


class ReviewBench(BenchForm):
    """The reviewer's bench.

    Parameters
    ----------
    dock : MinesDock
    """

    left = pyqtSignal()
    """The reviewer wants another layer or another name."""

    def __init__(self, dock: MinesDock) -> None:
        super().__init__(dock.canvas)
        self._dock = dock
        self._canvas = dock.canvas
        self.session: ReviewSession | None = None
        self.store: ReviewStore | None = None
        self._on_map = False
        self._hidden = False
        self._agreed_at: tuple[ReviewSession, int] | None = None
        self._dragging = Dragging(self._canvas)
        self._frame = Frame(self._canvas)
        self._connect()
        self.keys = ReviewKeys(actions_of(self), self._takes_keys, self)

    # ---------------------------------------------------------------- begin and end

    def begin(self, store: ReviewStore, reviewer: str) -> None:
        """Review a layer."""
        self.store = store
        self.session = ReviewSession(store, reviewer, self.order.order(), self.order.choice())
        self.head.setText(f"<b>{_plain(store.layer.name())}</b>, reviewed by {_plain(reviewer)}")
        self.say(" ".join(opening_sentences(store.opening)))
        self.take_up()
        self.show_finding()

    def end(self) -> None:
        """Leave the layer."""
        self.put_away()
        if self.store is not None:
            self.store.close()
        self.session = self.store = self._agreed_at = None

    def mark_again(self) -> None:
        """Show the frame where it belongs in the map's new CRS."""
        if self.session is not None:
            self._mark(fly=True)

    def take_up(self) -> None:
        """Show frame and keys."""
        if self.session is None or self._on_map:
            return
        self._on_map = True
        self.keys.watch([self._canvas, self, self._dock])
        self.second.link(self.store.layer)
        self._mark(fly=False)
        self._focus_map()

    def put_away(self) -> None:
        """Leave the map as it was."""
        if not self._on_map:
            return
        self._on_map = False
        self._hide_findings(False)
        self._dragging.end()
        self.keys.stop()
        self.second.unlink()
        self._frame.clear()

    # ---------------------------------------------------------------- what keys and buttons do

    def decide(self, decided: str) -> None:
        """Decide about the finding that is looked at."""
        self._act(lambda session: None if session.decide(decided) else ALL_JUDGED)

    def reject(self, reason: str) -> None:
        """Call it false, with a reason."""
        self._act(lambda session: None if session.reject(reason) else ALL_JUDGED)

    def step(self, by: int) -> None:
        """Go forward or back."""
        self._act(lambda session: session.step(by))

    def undo(self) -> None:
        """Take the last thing back."""

        def take_back(session: ReviewSession) -> str:
            taken = session.undo()
            if taken is None:
                return "There is nothing of yours to undo."
            what = f"the decision {taken.decision}" if taken.decision else "the move"
            if taken.action == MOVE:
                self._redraw()
            return f"Undone: {what} at finding {taken.finding}."

        self._act(take_back)

    def go_to(self, finding: int) -> None:
        """Look at a finding."""
        self._act(lambda session: session.go_to(finding))

    def say(self, sentence: str) -> None:
        """Tell something below the buttons; nothing takes it away again."""
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    def _act(self, action: Callable[[ReviewSession], str | None]) -> None:
        if self.session is None:
            return
        try:
            told = action(self.session)
        except GossanError as problem:
            told = str(problem)
        self.say(told or "")
        self.show_finding()

    # ---------------------------------------------------------------- showing

    def show_finding(self) -> None:
        """Show the finding that is looked at, here and on the map."""
        session = self.session
        try:
            shown = self._fill_card(session)
        except GossanError as problem:
            self.card.show_nothing(str(problem))
            shown = False
        self.verdict.set_enabled(shown)
        self.drag.setEnabled(shown)
        if shown:
            self._mark(fly=True)
        else:
            self._frame.clear()
        self.verdict.show_state(session.own(), session.comment, wants_reason=session.wants_reason)
        self.figures.show_standing(session.standing())
        self._show_agreement()

    def _fill_card(self, session: ReviewSession) -> bool:
        finding, findings = session.current, self.store.findings
        if finding is None:
            self.card.show_nothing(EMPTY)
            return False
        told = facts(findings.values(finding), findings.probability_field)
        inside = finding in session.queue
        place = f"{session.queue.position + 1:,} of {len(session.queue):,}" if inside else ""
        self.card.show_finding(finding, place, told)
        self.card.show_opinions(session.own(), session.others())
        return True

    def _mark(self, *, fly: bool) -> None:
        finding = self.session.current
        if finding is None or not self._on_map:
            return
        centre, crs = self.store.findings.places[finding].centre, self.store.layer.crs()
        if not self._frame.show(centre, crs):
            self.say("This finding lies where the CRS of the project cannot show it.")
            return
        self.second.show_finding(centre, crs)
        if fly:
            self._frame.fly()

    def _show_agreement(self) -> None:
        if self.session is None or self.agreement.isCollapsed():
            return
        if self._agreed_at != (self.session, self.session.log.last):
            self._agreed_at = self.session, self.session.log.last
            self.agreement.show_agreement(
                agreements(self.session.log), self.session.disagreements(), self.session.reviewer
            )

    def _redraw(self) -> None:
        self.store.layer.triggerRepaint()

    # ---------------------------------------------------------------- inside

    def _takes_keys(self) -> bool:
        return self.session is not None and self._on_map and self._dock.isUserVisible()

    def _focus_map(self) -> None:
        self._canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def toggle_findings(self) -> None:
        """Let what a filled symbol covers be seen, or show the findings again."""
        self._hide_findings(not self._hidden)

    def _hide_findings(self, wanted: bool) -> None:
        node = QgsProject.instance().layerTreeRoot().findLayer(self.store.layer.id())
        if node is not None and wanted != self._hidden:
            node.setItemVisibilityChecked(not wanted)
            self._hidden = wanted

    def begin_comment(self) -> None:
        """Let the reviewer type a comment."""
        self.verdict.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.verdict.comment.selectAll()

    def _on_comment(self, text: str) -> None:
        if self.session is None or text.strip() == self.session.comment:
            return
        self._act(lambda session: session.set_comment(text))

    def _on_order(self) -> None:
        self._act(lambda session: session.arrange(self.order.order(), self.order.choice()))
        self._focus_map()

    def _on_drag(self, wanted: bool) -> None:
        if wanted:
            self._dragging.begin(self._held, self._on_dropped, self._on_drag_end)
            self.say("Drag the finding, or an entry of a register near it. Escape: leave it.")
            self._focus_map()
        else:
            self._dragging.end()

    def _on_drag_end(self) -> None:
        self.drag.setChecked(False)

    def _held(self) -> Held:
        findings = self.store.findings
        row = findings.places[self.session.current].fid
        return Held(self.store.layer, row, findings.feature(self.session.current).geometry())

    def _on_dropped(self, held: Held, geometry: QgsGeometry) -> None:
        def write(session: ReviewSession) -> str:
            if held.layer is self.store.layer:
                self.store.move(session.current, geometry, session.reviewer)
                self._redraw()
                return f"Finding {session.current} was moved. Z takes it back."
            self.store.move_entry(held.layer, held.row, geometry, session.current, session.reviewer)
            held.layer.triggerRepaint()
            return f"An entry of {held.layer.name()} was moved. Z takes it back."

        self._act(write)

    def _on_export(self) -> None:
        self._hand_on(open_export)

    def _on_teach(self) -> None:
        self._hand_on(lambda store: self._dock.teach(store.layer))

    def _hand_on(self, to: Callable[[ReviewStore], None]) -> None:
        try:
            hand_over(self.store.layer)
            to(self.store)
        except GossanError as problem:
            self.say(str(problem))

    def _connect(self) -> None:
        self.change.clicked.connect(lambda _: self.left.emit())
        self.order.changed.connect(self._on_order)
        self.verdict.decided.connect(self.decide)
        self.verdict.rejected.connect(self.reject)
        self.verdict.commented.connect(self._on_comment)
        self.verdict.comment.returnPressed.connect(self._focus_map)
        self.back.clicked.connect(lambda _: self.step(-1))
        self.next.clicked.connect(lambda _: self.step(1))
        self.take_back.clicked.connect(lambda _: self.undo())
        self.drag.clicked.connect(self._on_drag)
        self.agreement.wanted.connect(self.go_to)
        self.agreement.opened.connect(self._show_agreement)
        self.second.collapsedStateChanged.connect(lambda _: self._on_second_view())
        self.export.clicked.connect(lambda _: self._on_export())
        self.teach.clicked.connect(lambda _: self._on_teach())

    def _on_second_view(self) -> None:
        if self.session is not None:
            self._mark(fly=False)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
