"""Rasters on servers: how they are addressed, reached and named where people read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import rasterio

_SIGNED_HOSTS = re.compile(r"\.blob\.core\.windows\.net$", re.IGNORECASE)
"""Where the Planetary Computer keeps its files, which GDAL can ask it to sign."""

_SCHEMES = {"s3": "/vsis3/", "gs": "/vsigs/", "az": "/vsiaz/"}
_HTTP_CODE = re.compile(
    r"(?:HTTP response code|HTTP error code|response_code).*?[:=]\s*([1-5]\d\d)(?![\d/])"
)


@dataclass(frozen=True)
class RemoteAccess:
    """What is needed to reach servers; its secrets are in no text, tag or message.

    Parameters
    ----------
    proxy : str
        Its address, with user and password in it where it asks for them; empty for none.
    headers : mapping of str
        Sent with every request, such as ``Authorization``.
    timeout : float
        Seconds to wait for a connection and for an answer.
    retries : int
        How often a failed request is repeated, after pauses that grow.
    """

    proxy: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 30.0
    retries: int = 4

    def environment(self) -> Any:
        """Return the context in which remote rasters are to be opened with rasterio.

        What is read later from a raster that was opened in it follows its rules too.
        """
        options: dict[str, Any] = {
            # A server lists no folders, and nothing is to be looked for beside a file.
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
            "GDAL_HTTP_CONNECTTIMEOUT": f"{self.timeout:.0f}",
            "GDAL_HTTP_TIMEOUT": f"{4 * self.timeout:.0f}",
            "GDAL_HTTP_MAX_RETRY": str(self.retries),
            "GDAL_HTTP_RETRY_DELAY": "1",
            "GDAL_HTTP_RETRY_CODES": "429,500,502,503,504",
            # What failed once, or has changed since, must be asked for again by the next run.
            "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
        }
        if self.proxy:
            options["GDAL_HTTP_PROXY"] = self.proxy
        if self.headers:
            options["GDAL_HTTP_HEADERS"] = "\r\n".join(
                f"{name}: {value}" for name, value in self.headers.items()
            )
        return rasterio.Env(**options)


def is_remote(path: str) -> bool:
    """Tell whether GDAL reads a path from somewhere else than this machine's file system."""
    return path.startswith("/vsi")


def gdal_address(href: str) -> str:
    """Return what GDAL opens for the address of a file: a path, ``https://`` or ``s3://``.

    Parameters
    ----------
    href : str
        As catalogues list it.

    Returns
    -------
    str
        Local paths as they are. Files of the Planetary Computer are signed by GDAL.
    """
    parts = urlsplit(href)
    scheme = parts.scheme.lower()
    if scheme in ("http", "https"):
        if _SIGNED_HOSTS.search(parts.hostname or "") and not parts.query:
            return f"/vsicurl?pc_url_signing=yes&url={quote(href, safe='')}"
        return f"/vsicurl/{href}"
    if scheme in _SCHEMES:
        return f"{_SCHEMES[scheme]}{parts.netloc}{parts.path}"
    if scheme == "file":
        return parts.path
    return href


def public_name(path: str) -> str:
    """Return a path for messages and logs: without a user, password or signature in it."""
    if not is_remote(path):
        return path
    address = re.sub(r"^/vsicurl(?:/|\?.*url=)", "", path)
    address = address.replace("%3A", ":").replace("%2F", "/")
    return re.sub(r"//[^/@]*@", "//", address.partition("?")[0])


def server_answer(problem: BaseException) -> str:
    """Return why a server gave nothing, without the address that GDAL's own message repeats."""
    texts = [str(problem), str(problem.__cause__ or "")]
    code = next((match.group(1) for text in texts if (match := _HTTP_CODE.search(text))), "")
    if code in ("401", "403"):
        return f"it refuses access (HTTP {code}); a login may be needed"
    if code == "404":
        return "it has no such file (HTTP 404)"
    return f"it answers HTTP {code}" if code else "it gives no usable answer"
