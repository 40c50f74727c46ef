"""Tiny wheels, and an index of them on the loopback interface that cuts connections on request.

Standard library only, so that it runs in every Python that tests do.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
import zipfile
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

MODULES = {"scikit-learn": "sklearn"}
"""What is imported under another name than it is installed."""


def make_wheel(folder: Path, pin: str, *, ballast: int = 0) -> Path:
    """Write a wheel of one empty module, with so many bytes that do not compress."""
    package, _, version = pin.partition("==")
    name = package.replace("-", "_")
    known = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
    contents = {
        f"{MODULES.get(package, name)}/__init__.py": f'__version__ = "{version}"\n'.encode(),
        f"{known}/METADATA": metadata.encode(),
        f"{known}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if ballast:
        contents[f"{MODULES.get(package, name)}/ballast"] = os.urandom(ballast)
    record = "".join(
        f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in contents.items()
    )
    contents[f"{known}/RECORD"] = f"{record}{known}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in contents.items():
            archive.writestr(path, content)
    return wheel


def make_wheels(folder: Path, locks: Iterable[Path]) -> Path:
    """Write a tiny wheel for everything that lock files name."""
    for lock in locks:
        for pin in lock.read_text(encoding="utf-8").split():
            make_wheel(folder, pin)
    return folder


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


class PackageIndex:
    """Serves a folder of wheels as pip expects it; use it in a ``with`` statement.

    It also answers as a proxy in front of itself, whatever host is asked for.

    Attributes
    ----------
    cut_after : dict of str to int
        Bytes of a file after which the connection is cut, each time that it is asked for.
    requests : list of (str, str)
        Paths that were asked for, each with its range, in order.
    logins : set of str
        Values of the header ``Proxy-Authorization`` that came.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cut_after: dict[str, int] = {}
        self.requests: list[tuple[str, str]] = []
        self.logins: set[str] = set()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self.host = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"http://{self.host}/simple"

    def __enter__(self) -> PackageIndex:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def asked_for(self, name: str) -> list[str]:
        """Return the ranges, empty for the whole, in which a wheel was asked for."""
        return [part for path, part in self.requests if path.startswith(f"/files/{name}-")]


def _handler_of(index: PackageIndex) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            index.requests.append((path, self.headers.get("Range", "")))
            if "Proxy-Authorization" in self.headers:
                index.logins.add(self.headers["Proxy-Authorization"])
            if path.startswith("/simple/"):
                self._answer(_page(index.folder, path.split("/")[2]), "text/html")
                return
            wheel = index.folder / path.rpartition("/")[2]
            if wheel.exists():
                self._answer(
                    wheel.read_bytes(), "application/zip", cut=index.cut_after, wheel=wheel
                )
            else:
                self.send_error(404)

        def _answer(self, body: bytes, kind: str, *, cut=None, wheel: Path | None = None) -> None:
            start = int(self.headers.get("Range", "bytes=0-").partition("=")[2].rstrip("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if wheel is not None:
                self.send_header("ETag", f'"{_digest(body)}"')
                self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            limit = (cut or {}).get(wheel.name.partition("-")[0]) if wheel else None
            self.wfile.write(body[start:][:limit])
            if limit is not None and len(body) - start > limit:
                self.wfile.flush()
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _page(folder: Path, package: str) -> bytes:
    """Return the page of a package: links to its wheels."""
    name = package.replace("-", "_")
    links = "".join(
        f'<a href="/files/{path.name}">{path.name}</a>\n'
        for path in sorted(folder.glob(f"{name}-*.whl"))
    )
    return f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
