"""The GeoPackage of a review as a file: handed on to others, and made of other layers."""

from __future__ import annotations

import time
from pathlib import Path

from qgis.core import (
    QgsProject,
    QgsProviderConnectionException,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from gossan.core.errors import FileError
from gossan.plugin.docks.mines.review_layer import geopackage

_PATIENCE = 3.0
"""Seconds to wait for others to let go of a file."""


def hand_over(layer: QgsVectorLayer) -> None:
    """Make sure that a GeoPackage's file itself holds all that was decided, before it is read.

    SQLite keeps the newest rows in a second file (``-wal``) for a while; a program that copies the
    file, or reads it where that cannot be locked, would miss them. Other layers need nothing.

    Raises
    ------
    FileError
        When another program does not let go of the file.
    """
    path, _ = geopackage(layer)
    if not path:
        return
    newest = Path(f"{path}-wal")
    connection = QgsProviderRegistry.instance().providerMetadata("ogr").createConnection(path, {})
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.executeSql("PRAGMA wal_checkpoint(TRUNCATE)")
            if not newest.exists() or not newest.stat().st_size:
                return
        except QgsProviderConnectionException as problem:
            if "locked" not in str(problem):
                raise FileError(f"{path}: {problem}") from problem
        if time.monotonic() > deadline:
            raise FileError(
                f"{path} is in use by another program, so the newest decisions cannot be handed "
                "on yet. Try again when it is done."
            )
        time.sleep(0.1)


def save_copy(layer: QgsVectorLayer, path: str) -> QgsVectorLayer:
    """Write a layer into a new GeoPackage and return it from there, with its style.

    Raises
    ------
    FileError
        When the copy cannot be written.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    options.layerName = "findings"
    own = ("fid", "ogc_fid")
    options.attributes = [
        index for index, each in enumerate(layer.fields()) if each.name().lower() not in own
    ]
    context = QgsProject.instance().transformContext()
    result = QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, context, options)
    if result[0] != QgsVectorFileWriter.WriterError.NoError:
        raise FileError(f"The copy could not be written to {path}. {result[1]}".strip())
    copy = QgsVectorLayer(f"{path}|layername=findings", f"{layer.name()} (review)", "ogr")
    if layer.renderer() is not None:
        copy.setRenderer(layer.renderer().clone())
    return copy
