"""Gossan: find, map and check mineralisation and mining from images, in QGIS."""


def classFactory(iface):  # noqa: N802 - the name that QGIS calls
    """Return the plugin; ``iface`` is None where QGIS runs without a window."""
    from gossan.plugin.gossan_plugin import GossanPlugin

    return GossanPlugin(iface)
