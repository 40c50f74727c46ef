"""QGIS's network settings as plain values for the engine: its proxy, and headers that log in.

They hold passwords. Nothing here writes a log, and the values are no parameters of an algorithm,
so that they are in no history, no model and no origin of a result.
"""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsApplication,
    QgsNetworkAccessManager,
    QgsProcessingException,
    QgsProcessingParameterAuthConfig,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtNetwork import QNetworkProxy, QNetworkProxyQuery, QNetworkRequest

_KINDS = {
    QNetworkProxy.ProxyType.HttpProxy: "http",
    QNetworkProxy.ProxyType.HttpCachingProxy: "http",
    QNetworkProxy.ProxyType.Socks5Proxy: "socks5",
}


def authentication(name: str) -> QgsProcessingParameterAuthConfig:
    """Return a parameter for one of QGIS's authentication configurations."""
    return QgsProcessingParameterAuthConfig(name, "Authentication", None, True)


def settings_for(address: str, configuration: str = "") -> dict[str, Any]:
    """Return how a server is reached, as the keywords ``proxy`` and ``headers`` of a job.

    Parameters
    ----------
    address : str
        Of the server; "" for one that is not known before the job reads its scenes.
    configuration : str
        Id of an authentication configuration; "" for none.

    Raises
    ------
    QgsProcessingException
        QGIS has no such configuration, or it cannot be used (the master password was not given).
    """
    return {"proxy": proxy_for(address), "headers": headers_for(address, configuration)}


def proxy_for(address: str) -> str:
    """Return the proxy that QGIS's settings name for a server, "" for none."""
    manager = QgsNetworkAccessManager.instance()
    # In QGIS it is set up at the start; in qgis_process and models nobody else does.
    manager.setupDefaultProxyAndCache()
    query = QNetworkProxyQuery(QUrl(address or "https://server.invalid/"))
    factory = manager.proxyFactory()
    found = factory.queryProxy(query) if factory is not None else [manager.proxy()]
    for proxy in found:
        kind = _KINDS.get(proxy.type())
        if kind and proxy.hostName():
            url = QUrl()
            url.setScheme(kind)
            url.setHost(proxy.hostName())
            if proxy.port():
                url.setPort(proxy.port())
            if proxy.user():
                url.setUserName(proxy.user())
                url.setPassword(proxy.password())
            return bytes(url.toEncoded()).decode("ascii")
    return ""


def headers_for(address: str, configuration: str) -> dict[str, str]:
    """Return the headers with which an authentication configuration logs in."""
    if not configuration:
        return {}
    manager = QgsApplication.authManager()
    if configuration not in manager.configIds():
        raise QgsProcessingException(
            f"QGIS has no authentication configuration {configuration}. Choose another one, or "
            "none."
        )
    request = QNetworkRequest(QUrl(address))
    if not manager.updateNetworkRequest(request, configuration):
        raise QgsProcessingException(
            f"QGIS could not use the authentication configuration {configuration}: give the master "
            "password, or choose another one."
        )
    return {
        bytes(name).decode("latin-1"): bytes(request.rawHeader(name)).decode("latin-1")
        for name in request.rawHeaderList()
    }
