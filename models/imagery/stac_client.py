"""Asking a STAC API patiently: time-outs, repeated requests with growing pauses, cancel."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urljoin

import requests
from pystac_client import ItemSearch
from pystac_client.stac_api_io import StacApiIO

from gossan.core.errors import FileError
from gossan.core.progress import Progress
from gossan.core.remote import RemoteAccess

PAUSE = 1.0
"""Seconds before the first repetition; each further pause is twice as long."""

LONGEST_PAUSE = 60.0
LARGEST_ANSWER = 64 << 20
PAGE = 100
"""Scenes per answer that are asked for."""

_AGAIN = {408, 425, 429, 500, 502, 503, 504}
"""Answers after which a request may succeed later."""

_POLL_SECONDS = 0.1


class PatientIO(StacApiIO):
    """The requests of pystac-client, repeated where that may help and stopped on cancel.

    Messages never hold headers, proxies or the query of an address.

    Parameters
    ----------
    access : RemoteAccess
        Proxy, headers, time-out and number of repetitions.
    progress : Progress
        Asked before and during each request whether to stop; told of repetitions.
    """

    def __init__(self, access: RemoteAccess, progress: Progress) -> None:
        super().__init__(headers=dict(access.headers), timeout=access.timeout, max_retries=None)
        self._access = access
        self._progress = progress
        if access.proxy:
            self.session.proxies = {"http": access.proxy, "https": access.proxy}

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Return the JSON text that a server answers.

        Raises
        ------
        FileError
            When it gives no usable answer, after all repetitions.
        CancelledError
            When the user wants to stop.
        """
        place = href.partition("?")[0]
        for attempt in range(self._access.retries + 1):
            self._progress.check()
            try:
                return self._ask(href, (method or "GET").upper(), headers, parameters)
            except _TryAgain as problem:
                if attempt == self._access.retries:
                    raise FileError(
                        f"The catalogue at {place} {problem} ({attempt + 1} tries). Try again "
                        "later, or check the address, the network and QGIS's proxy settings."
                    ) from None
                pause = max(min(PAUSE * 2**attempt, LONGEST_PAUSE), problem.pause)
                self._progress.warn(
                    f"The catalogue {problem}; asking again in {pause:.0f} s "
                    f"({self._access.retries - attempt} tries left)."
                )
                self._wait(pause)
        raise AssertionError("the loop above returns or raises")

    def _ask(
        self,
        href: str,
        method: str,
        headers: Mapping[str, str] | None,
        parameters: Mapping[str, Any] | None,
    ) -> str:
        body = {"json": parameters} if method == "POST" else {"params": parameters or {}}
        try:
            with self.session.request(
                method, href, headers=dict(headers or {}), timeout=self.timeout, stream=True, **body
            ) as answer:
                self._refuse_failure(answer, href.partition("?")[0])
                text = self._read(answer).decode("utf-8")
            json.loads(text)
        except requests.exceptions.Timeout:
            raise _TryAgain(f"did not answer within {self._access.timeout:.0f} s") from None
        except requests.exceptions.InvalidSchema:
            raise FileError(
                "A SOCKS proxy needs a package that the engine does not have. Use an HTTP proxy in "
                "QGIS's network settings."
            ) from None
        except requests.exceptions.ProxyError:
            raise _TryAgain("cannot be reached through the proxy of QGIS's settings") from None
        except requests.exceptions.SSLError:
            raise FileError(
                f"The connection to {href.partition('?')[0]} is not secure: its certificate is not "
                "trusted. Check the address and the date of this computer."
            ) from None
        except requests.exceptions.ConnectionError:
            raise _TryAgain("cannot be reached") from None
        except requests.exceptions.ChunkedEncodingError:
            raise _TryAgain("broke off its answer") from None
        except requests.exceptions.RequestException as problem:
            raise FileError(
                f"{href.partition('?')[0]} cannot be asked ({type(problem).__name__}). Check the "
                "address."
            ) from None
        except ValueError:
            raise _TryAgain("gave an answer that is no JSON or is cut off") from None
        return text

    def _refuse_failure(self, answer: requests.Response, place: str) -> None:
        status = answer.status_code
        if status in _AGAIN:
            waited = answer.headers.get("Retry-After", "")
            pause = min(float(waited), LONGEST_PAUSE) if waited.isdigit() else 0.0
            raise _TryAgain(f"answered HTTP {status} ({answer.reason})", pause)
        if status in (401, 403, 407):
            raise FileError(
                f"{place} refuses access (HTTP {status}). Choose an authentication configuration "
                "that may search it."
            )
        if not 200 <= status < 300:
            raise FileError(
                f"{place} answered HTTP {status} ({answer.reason}). Check the address, the "
                "collection, the area and the dates."
            )

    def _read(self, answer: requests.Response) -> bytes:
        parts = bytearray()
        for part in answer.iter_content(1 << 16):
            self._progress.check()
            parts += part
            if len(parts) > LARGEST_ANSWER:
                raise FileError("The catalogue's answer is far too large for a page of scenes.")
        return bytes(parts)

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._progress.check()
            time.sleep(min(_POLL_SECONDS, left))


class _TryAgain(Exception):  # noqa: N818 - no error of its own
    """A request failed in a way that may pass; after ``pause`` seconds, as the server says."""

    def __init__(self, what: str, pause: float = 0.0) -> None:
        super().__init__(what)
        self.pause = pause


def search_items(
    url: str,
    collection: str,
    bbox: tuple[float, float, float, float],
    period: tuple[date | None, date | None],
    cloud_limit: float,
    most: int,
    io: PatientIO,
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Yield the items of a collection that a STAC API finds, each once, page by page.

    Parameters
    ----------
    url : str
        Landing page of the API.
    collection : str
    bbox : tuple of float
        West, south, east, north, degrees.
    period : tuple of date or None
        First and last day; None for no limit.
    cloud_limit : float
        Percent; handed to servers that can filter, which the caller must not rely on.
    most : int
        Items to yield at most.
    io : PatientIO
    progress : Progress
        Checked between the pages.

    Raises
    ------
    FileError
        When the server gives no usable answer or is no STAC API with a search.
    """
    landing = _object(io.read_json(url), url)
    href, method = _search_link(landing, url)
    search = ItemSearch(
        href,
        method=method,
        max_items=most,
        stac_io=io,
        limit=min(PAGE, most),
        collections=[collection],
        bbox=list(bbox),
        datetime=_interval(period),
        **_cloud_filter(landing.get("conformsTo"), cloud_limit),
    )
    seen: set[str] = set()
    for page in search.pages_as_dicts():
        progress.check()
        new = [item for item in page["features"] if _identity(item) not in seen]
        if not new:
            progress.warn("The catalogue repeats itself: its pages are not asked for any further.")
            return
        for item in new:
            seen.add(_identity(item))
            yield item
        progress.say(f"{len(seen)} scenes found so far.")


def _identity(item: Any) -> str:
    return str(item.get("id")) if isinstance(item, dict) else ""


def _object(content: Any, url: str) -> dict[str, Any]:
    if not isinstance(content, dict) or not isinstance(content.get("links"), list):
        raise FileError(f"{url} is no STAC API: its answer lists no links. Check the address.")
    return content


def _search_link(landing: Mapping[str, Any], url: str) -> tuple[str, str]:
    """Return address and method of the search; POST where the server takes it."""
    found = {
        str(link.get("method", "GET")).upper(): str(link["href"])
        for link in landing["links"]
        if isinstance(link, dict) and link.get("rel") == "search" and link.get("href")
    }
    for method in ("POST", "GET"):
        if method in found:
            return urljoin(f"{url.rstrip('/')}/", found[method]), method
    raise FileError(
        f"{url} is a catalogue without a search (no link of the kind 'search'). Give the landing "
        "page of a STAC API."
    )


def _interval(period: tuple[date | None, date | None]) -> str | None:
    first, last = period
    if first is None and last is None:
        return None
    start = f"{first}T00:00:00Z" if first else ".."
    end = f"{last}T23:59:59Z" if last else ".."
    return f"{start}/{end}"


def _cloud_filter(conformance: Any, limit: float) -> dict[str, Any]:
    """Return how to ask a server for little cloud, if it can be asked at all."""
    told = [str(each) for each in conformance] if isinstance(conformance, list) else []
    if limit >= 100.0:
        return {}
    if any(each.endswith("#query") for each in told):
        return {"query": {"eo:cloud_cover": {"lte": limit}}}
    return {}
