"""How the review stands: progress, precision, agreement of reviewers, disagreements."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QLabel,
    QProgressBar,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gossan.core.review.agreement import Agreement, Disagreement
from gossan.core.review.decisions import DECISIONS
from gossan.plugin.docks.mines.review_sentences import sentences
from gossan.plugin.docks.mines.review_session import Standing

_LISTED = 500
_LINES = 7
_NUMBER = Qt.ItemDataRole.UserRole


class Figures(QWidget):
    """Progress and precision."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setObjectName("review_progress")
        # The text stands below: dark themes of QGIS print it dark on dark in the bar.
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(self.bar.fontMetrics().height())
        self.text = QLabel()
        self.text.setObjectName("review_figures")
        self.text.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar)
        layout.addWidget(self.text)

    def show_standing(self, standing: Standing) -> None:
        """Show how the review stands."""
        self.bar.setRange(0, max(standing.findings, 1))
        self.bar.setValue(standing.judged)
        self.text.setText("<br>".join(sentences(standing)))


class AgreementBox(QgsCollapsibleGroupBox):
    """How far reviewers agree, and where they do not."""

    wanted = pyqtSignal(int)
    """A finding to look at."""
    opened = pyqtSignal()

    def __init__(self) -> None:
        super().__init__("Agreement of reviewers")
        self.setObjectName("review_agreement")
        self.text = QLabel()
        self.text.setObjectName("review_kappa")
        self.text.setWordWrap(True)
        self.list = QTreeWidget()
        self.list.setObjectName("review_disagreements")
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        # Else it would take letters for a search in it.
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setMinimumHeight(self.fontMetrics().height() * _LINES)
        self.list.itemDoubleClicked.connect(self._on_double_click)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.list)
        self.setCollapsed(True)
        self.collapsedStateChanged.connect(self._on_collapsed)

    def show_agreement(
        self, pairs: Sequence[Agreement], differing: Sequence[Disagreement], reviewer: str
    ) -> None:
        """Show what two and two have in common, and the findings on which they differ."""
        self.text.setText("<br>".join(agreement_text(pair) for pair in pairs) or NOBODY_ELSE)
        names = sorted({entry.reviewer for each in differing for entry in each.opinions})
        names.sort(key=lambda name: name != reviewer)
        self.list.clear()
        self.list.setVisible(bool(differing))
        self.list.setHeaderLabels(["Finding", *names])
        for each in differing[:_LISTED]:
            said = {entry.reviewer: entry.decision for entry in each.opinions}
            item = QTreeWidgetItem([str(each.finding), *(said.get(name, "") for name in names)])
            item.setData(0, _NUMBER, each.finding)
            self.list.addTopLevelItem(item)
        self.list.setToolTip("Double-click to look at a finding.")

    def _on_double_click(self, item: QTreeWidgetItem) -> None:
        self.wanted.emit(item.data(0, _NUMBER))

    def _on_collapsed(self, collapsed: bool) -> None:
        if not collapsed:
            self.opened.emit()


NOBODY_ELSE = (
    "No two reviewers have judged the same finding yet. A second reviewer types another name at "
    "the start and chooses the order <i>second opinions</i>."
)


def agreement_text(pair: Agreement) -> str:
    """Return how far two agree, as rich text."""
    names = " and ".join(
        name.replace("&", "&amp;").replace("<", "&lt;") for name in (pair.first, pair.second)
    )
    told = (
        f"<b>{names}</b>: the same on {pair.same:,} of {pair.findings:,} ({100 * pair.share:.0f} %)"
    )
    if not math.isnan(pair.kappa):
        low, high = pair.interval()
        told += f"; Cohen's kappa {pair.kappa:.2f} (95 % interval {low:.2f} to {high:.2f})"
    classes = [(each, pair.of_class(each)) for each in DECISIONS]
    shares = ", ".join(
        f"{name} {100 * share:.0f} %" for name, share in classes if not math.isnan(share)
    )
    return f"{told}. By class: {shares}."
