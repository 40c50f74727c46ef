from __future__ import annotations

import pytest
import rasterio
from rasterio.env import getenv

from gossan.core.errors import FileError
from gossan.core.raster import open_raster
from gossan.core.remote import RemoteAccess, gdal_address, is_remote, public_name, server_answer


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("https://host/a/B04.tif", "/vsicurl/https://host/a/B04.tif"),
        ("https://host/a.tif?sig=x%2F", "/vsicurl/https://host/a.tif?sig=x%2F"),
        ("s3://bucket/a/b.jp2", "/vsis3/bucket/a/b.jp2"),
        ("gs://bucket/b.tif", "/vsigs/bucket/b.tif"),
        ("file:///data/b.tif", "/data/b.tif"),
        ("/data/b.tif", "/data/b.tif"),
    ],
)
def test_addresses_of_catalogues_become_those_of_gdal(href, address):
    assert gdal_address(href) == address
    assert is_remote(address) == address.startswith("/vsi")


def test_files_of_the_planetary_computer_are_signed_by_gdal():
    address = gdal_address("https://sentinel2l2a01.blob.core.windows.net/s2/B04.tif")
    assert address.startswith("/vsicurl?pc_url_signing=yes&url=https%3A%2F%2F")
    assert public_name(address) == "https://sentinel2l2a01.blob.core.windows.net/s2/B04.tif"
    signed = "https://x.blob.core.windows.net/s2/B04.tif?sig=s3cret"
    assert gdal_address(signed) == f"/vsicurl/{signed}"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/vsicurl/https://me:word@host/a.tif?token=s3cret", "https://host/a.tif"),
        ("/vsis3/bucket/a.tif", "/vsis3/bucket/a.tif"),
        ("/data/a?b.tif", "/data/a?b.tif"),
    ],
)
def test_names_for_people_hold_no_secret(path, name):
    assert public_name(path) == name


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("HTTP response code on https://h/a?sig=x: 403", "refuses access (HTTP 403)"),
        ("HTTP response code on http://h:443/a: 403", "refuses access (HTTP 403)"),
        ("HTTP response code: 404", "no such file"),
        ("HTTP error code : 500", "HTTP 500"),
        ("Could not resolve host", "no usable answer"),
    ],
)
def test_what_a_server_answers_is_told_without_its_address(message, answer):
    told = server_answer(OSError(message))
    assert answer in told
    assert "sig" not in told


def test_secrets_show_in_no_text_and_end_with_their_context():
    access = RemoteAccess("http://me:word@proxy:8080", {"Authorization": "Bearer s3cret"})
    assert "word" not in repr(access)
    assert "s3cret" not in repr(access)
    with access.environment():
        assert getenv()["GDAL_HTTP_PROXY"] == "http://me:word@proxy:8080"
        assert getenv()["GDAL_HTTP_HEADERS"] == "Authorization: Bearer s3cret"
    assert not rasterio.env.hasenv() or "GDAL_HTTP_PROXY" not in getenv()


def test_a_file_that_no_server_has_is_named_without_its_key():
    missing = pytest.raises(FileError, match=r"http://127\.0\.0\.1:9/a\.tif cannot be opened")
    with RemoteAccess(timeout=2, retries=0).environment(), missing as seen:
        open_raster("/vsicurl/http://127.0.0.1:9/a.tif?token=s3cret")
    assert "s3cret" not in str(seen.value)
