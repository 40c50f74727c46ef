"""Export of what a review has confirmed: the toolbox's dialog, filled in."""

from __future__ import annotations

from pathlib import Path

from gossan.core.errors import InputError
from gossan.core.review.decisions import CONFIRMED
from gossan.plugin import toolbox
from gossan.plugin.docks.mines.review_store import ReviewStore


def open_export(store: ReviewStore) -> None:
    """Open *Export findings* for the confirmed ones; the files lie beside the GeoPackage.

    Raises
    ------
    InputError
        When nothing is confirmed yet.
    """
    if not any(entry.decision in CONFIRMED for entry in store.log.standing()):
        raise InputError("No finding is confirmed yet, so there is nothing to export.")
    beside = Path(store.findings.path)
    files = {
        name: str(beside.with_name(f"{beside.stem}_confirmed.{name.lower()}"))
        for name in ("KML", "CSV")
    }
    parameters = {"INPUT": store.layer.id(), "ONLY_CONFIRMED": True, **files}
    toolbox.open_dialog("gossan:exportfindings", parameters)
