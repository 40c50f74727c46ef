"""The docks: panels of QGIS's window in which one looks, judges and calls the toolbox."""
