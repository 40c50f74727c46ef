"""A STAC API and a file server on the loopback interface, slow and failing on request.

Standard library only, so that it runs in every Python that tests do.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CONFORMANCE = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#query",
]


class StacServer:
    """Serves items and the files of a folder; use it in a ``with`` statement.

    Parameters
    ----------
    folder : path
        Its files are at ``/files/NAME``, also by ranges.
    items : list of dict
        STAC items; an ``href`` that begins with ``files/`` becomes an address of this server.
    post, query : bool
        Whether the API takes POST, and filters by properties.
    login : str
        Value of the header ``Authorization`` that everything asks for; none when empty.

    Attributes
    ----------
    faults : deque of str
        What happens to the next requests of a search, one after the other: an HTTP status,
        ``slow``, ``truncated``, ``html``, ``broken off``, or "" for nothing.
    file_faults : deque of str
        The same for the next requests of files: an HTTP status, or "" for nothing.
    searches : list of dict
        What was asked, in order: the search's parameters.
    served : Counter
        Bytes sent of each file.
    requests : Counter
        Requests by path.
    """

    def __init__(self, folder, items=(), *, post=True, query=True, login="") -> None:
        self.folder = Path(folder)
        self.items = list(items)
        self.post, self.query, self.login = post, query, login
        self.page = 3
        self.faults: deque[str] = deque()
        self.file_faults: deque[str] = deque()
        self.slow_seconds = 2.0
        self.searches: list[dict] = []
        self.served: Counter = Counter()
        self.requests: Counter = Counter()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> StacServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def landing(self) -> dict:
        methods = ["GET", "POST"] if self.post else ["GET"]
        links = [{"rel": "self", "href": self.url}]
        links += [{"rel": "search", "href": "search", "method": m} for m in methods]
        told = CONFORMANCE if self.query else CONFORMANCE[:2]
        return {
            "type": "Catalog",
            "id": "loopback",
            "description": "A catalogue for tests",
            "stac_version": "1.0.0",
            "conformsTo": told,
            "links": links,
        }

    def search(self, asked: dict, method: str) -> dict:
        """Return one page of what a search finds."""
        with self._lock:
            self.searches.append(asked)
        found = [item for item in self.items if self._fits(item, asked)]
        start = int(asked.get("token", 0))
        size = min(int(asked.get("limit", 10)), self.page)
        page = found[start : start + size]
        links = []
        if start + size < len(found):
            links.append(self._next(asked, method, start + size))
        return {
            "type": "FeatureCollection",
            "features": [self._addressed(item) for item in page],
            "links": links,
        }

    def _next(self, asked: dict, method: str, start: int) -> dict:
        if method == "POST":
            body = {"token": str(start)}
            return {"rel": "next", "href": f"{self.url}/search", "method": "POST",
                    "body": body, "merge": True}  # fmt: skip
        query = "&".join(
            f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"
            for name, value in {**asked, "token": start}.items()
            if name != "query"
        )
        return {"rel": "next", "href": f"{self.url}/search?{query}"}

    def _fits(self, item: dict, asked: dict) -> bool:
        properties = item["properties"]
        if asked.get("collections") and item["collection"] not in asked["collections"]:
            return False
        if asked.get("bbox"):
            west, south, east, north = asked["bbox"]
            ring = item["geometry"]["coordinates"][0] if item.get("geometry") else [[west, south]]
            xs, ys = [p[0] for p in ring], [p[1] for p in ring]
            if max(xs) < west or min(xs) > east or max(ys) < south or min(ys) > north:
                return False
        if asked.get("datetime"):
            first, _, last = asked["datetime"].partition("/")
            moment = properties["datetime"]
            if (first != ".." and moment < first) or (last != ".." and moment > last):
                return False
        limit = (asked.get("query") or {}).get("eo:cloud_cover", {}).get("lte")
        return limit is None or not self.query or properties.get("eo:cloud_cover", 0) <= limit

    def _addressed(self, item: dict) -> dict:
        assets = {
            name: {**asset, "href": f"{self.url}/{asset['href']}"}
            if asset["href"].startswith("files/")
            else asset
            for name, asset in item["assets"].items()
        }
        return {**item, "assets": assets}


def _handler_of(server: StacServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_HEAD(self) -> None:
            self._answer("HEAD")

        def do_POST(self) -> None:
            self._answer("POST")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, method: str) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.requests[parts.path] += 1
            if server.login and self.headers.get("Authorization") != server.login:
                self._send(401, b"{}", "application/json")
            elif parts.path.startswith("/files/"):
                self._file(method, parts.path[len("/files/") :])
            elif parts.path.rstrip("/") == "":
                self._json(server.landing())
            elif parts.path == "/search" and (method == "GET" or server.post):
                self._search(method, body, parts.query)
            else:
                self._send(404, b"{}", "application/json")

        def _search(self, method: str, body: bytes, query: str) -> None:
            fault = server.faults.popleft() if server.faults else ""
            if fault.isdigit():
                self._send(int(fault), b"{}", "application/json", retry=fault == "429")
                return
            if fault == "slow":
                time.sleep(server.slow_seconds)
            if method == "POST":
                asked = json.loads(body)
            else:
                asked = {name: values[0] for name, values in parse_qs(query).items()}
                for name in ("collections", "bbox"):
                    if name in asked:
                        asked[name] = asked[name].split(",")
                asked["bbox"] = [float(value) for value in asked.get("bbox", ())]
                if "query" in asked:
                    asked["query"] = json.loads(asked["query"])
            content = json.dumps(server.search(asked, method)).encode()
            if fault == "html":
                self._send(200, b"<html>Sign in to the network</html>", "text/html")
            elif fault == "truncated":
                self._send(200, content[: len(content) // 2], "application/json")
            elif fault == "broken off":
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            else:
                self._send(200, content, "application/geo+json")

        def _file(self, method: str, name: str) -> None:
            fault = server.file_faults.popleft() if server.file_faults else ""
            if fault:
                self._send(int(fault), b"", "text/plain")
                return
            path = server.folder / name
            if not path.is_file():
                self._send(404, b"", "text/plain")
                return
            size = path.stat().st_size
            first, last = 0, size - 1
            asked = self.headers.get("Range", "")
            if asked.startswith("bytes="):
                start, _, end = asked[len("bytes=") :].partition("-")
                first, last = int(start), min(int(end or last), last)
            if first >= size:
                self._send(416, b"", "text/plain")
                return
            self.send_response(206 if asked else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Length", str(last - first + 1))
            if asked:
                self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
            self.end_headers()
            if method != "HEAD":
                with path.open("rb") as file:
                    file.seek(first)
                    content = file.read(last - first + 1)
                server.served[name] += len(content)
                self._write(content)

        def _json(self, content: dict) -> None:
            self._send(200, json.dumps(content).encode(), "application/json")

        def _send(self, status: int, content: bytes, kind: str, *, retry: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            if retry:
                self.send_header("Retry-After", "0")
            self.end_headers()
            if self.command != "HEAD":
                self._write(content)

        def _write(self, content: bytes) -> None:
            # A reader may have seen enough, and a client given up waiting.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(content)

    return Handler


def sentinel2_item(
    stem: str, date: str, box: tuple, *, baseline="05.11", cloud=10.0, **more
) -> dict:
    """Return an item as Earth Search has them, for a district's image of twelve bands and its SCL.

    Parameters
    ----------
    stem : str
        Files are ``stem.tif`` and ``stem_scl.tif``.
    box : tuple of float
        West, south, east, north of the footprint.
    more
        Further properties; a colon is written as two underscores.
    """
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    names = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    properties = {
        "datetime": f"{date}T02:58:12Z",
        "platform": "sentinel-2a",
        "eo:cloud_cover": cloud,
        "s2:processing_baseline": baseline,
        "grid:code": "MGRS-49RGL",
        "view:sun_elevation": 57.0,
        **{name.replace("__", ":"): value for name, value in more.items()},
    }
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"S2A_49RGL_{date.replace('-', '')}_0_L2A",
        "collection": "sentinel-2-l2a",
        "bbox": list(box),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {name: value for name, value in properties.items() if value is not None},
        "links": [],
        "assets": {
            "image": {
                "href": f"files/{stem}.tif",
                "roles": ["data"],
                "eo:bands": [{"name": name} for name in names],
            },
            "scl": {"href": f"files/{stem}_scl.tif", "roles": ["data"]},
            "thumbnail": {"href": f"files/{stem}.png", "roles": ["thumbnail"]},
        },
    }
