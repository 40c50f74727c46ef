"""Sentences and lists that keep a dock narrow."""

from __future__ import annotations

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QComboBox, QLabel, QSizePolicy


def words(name: str, text: str = "") -> QLabel:
    """Return a label whose text wraps and can be copied.

    Parameters
    ----------
    name : str
        Object name.
    text : str
    """
    label = QLabel(text)
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.LinksAccessibleByMouse
    )
    # A long sentence is no reason for a wide dock.
    policy = label.sizePolicy()
    policy.setHorizontalPolicy(QSizePolicy.Policy.Ignored)
    label.setSizePolicy(policy)
    return label


def narrow(box: QComboBox) -> QComboBox:
    """Return a list to choose from that grows no wider than its dock, whatever its entries."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(8)
    return box
