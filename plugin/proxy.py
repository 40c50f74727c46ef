"""The proxy of QGIS's settings, as the programs of the set-up need it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from qgis.core import QgsNetworkAccessManager
from qgis.PyQt.QtNetwork import QNetworkProxy


@dataclass(frozen=True)
class Proxy:
    """Address of an HTTP proxy, empty for none; hosts reached without it; what cannot be used."""

    address: str = ""
    exclusions: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def login(self) -> str:
        """Name and password as the address has them, which no log may show."""
        return urlsplit(self.address).netloc.rpartition("@")[0]


NONE = Proxy()


def of_qgis() -> Proxy:
    """Return the proxy that QGIS itself uses.

    QGIS's network manager knows it with the login of an authentication configuration. Where QGIS
    takes the system's proxy, there is nothing to pass on: the programs ask the system themselves.
    """
    manager = QgsNetworkAccessManager.instance()
    if manager.useSystemProxy():
        return NONE
    proxy = manager.fallbackProxy()
    kind = QNetworkProxy.ProxyType
    if proxy.type() == kind.Socks5Proxy:
        return Proxy(
            trouble="QGIS's settings name a SOCKS proxy, which the set-up cannot use. It tries "
            "without; name an HTTP proxy or a folder of wheels where that fails."
        )
    if proxy.type() not in (kind.HttpProxy, kind.HttpCachingProxy) or not proxy.hostName():
        return NONE
    login = ""
    if proxy.user():
        login = f"{quote(proxy.user(), safe='')}:{quote(proxy.password(), safe='')}@"
    port = f":{proxy.port()}" if proxy.port() else ""
    return Proxy(
        f"http://{login}{proxy.hostName()}{port}",
        hosts([*manager.excludeList(), *manager.noProxyList()]),
    )


def hosts(exclusions: list[str]) -> tuple[str, ...]:
    """Return the hosts of QGIS's exclusions, which are beginnings of addresses."""
    found = []
    for exclusion in exclusions:
        text = exclusion.strip()
        host = urlsplit(text if "//" in text else f"//{text}").hostname
        if host:
            found.append(host)
    return tuple(dict.fromkeys(found))
