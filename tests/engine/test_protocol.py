"""What crosses the boundary arrives as it was, or is refused."""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.engine import protocol

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters())  # all of Unicode, line separators and lone surrogates too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)

MESSAGES = [
    protocol.Hello(1, "0.1.0", "3.11.2", 4711),
    protocol.Job(1, "endmembers.extract", {"count": 4, "raster": "/tmp/Erzgebirge/Süd.tif"}),
    protocol.Cancel(1),
    protocol.Quit(),
    protocol.Fraction(1, 0.25),
    protocol.Message(1, "12 of 14 samples lie on the image"),
    protocol.Warn(1, "2 samples lie off the image"),
    protocol.Measures(1, 12, {"loss": 0.31, "validation_loss": 0.4}),
    protocol.Result(1, {"count": 4, "paths": ["/tmp/a.tif"]}),
    protocol.Failure(1, "InputError", "Band 7 is missing"),
    protocol.Cancelled(1),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_arrives_as_it_was_sent(message):
    assert protocol.decode(protocol.encode(message)) == message


@given(st.dictionaries(texts, values, max_size=4))
def test_any_plain_parameters_arrive_unchanged_on_one_ascii_line(parameters):
    line = protocol.encode(protocol.Job(1, "job", parameters))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert line.isascii()
    assert protocol.decode(line).parameters == parameters


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_does_not_know_arrive_as_none(value):
    line = protocol.encode(protocol.Result(1, {"r2": value, "table": [[1.5, value]]}))
    assert protocol.decode(line).value == {"r2": None, "table": [[1.5, None]]}


def test_a_path_with_undecodable_bytes_still_names_the_same_file():
    name = os.fsdecode(b"/tmp/caf\xe9.tif")
    arrived = protocol.decode(protocol.encode(protocol.Job(1, "j", {"raster": name})))
    assert os.fsencode(arrived.parameters["raster"]) == b"/tmp/caf\xe9.tif"


def test_arrays_paths_tuples_and_mappings_become_plain():
    numpy = pytest.importorskip("numpy")
    value = OrderedDict(
        path=Path("/tmp/x.tif"),
        pair=(1, 2),
        array=numpy.array([[1.0, numpy.nan]], dtype="float32"),
        number=numpy.int64(3),
        flag=numpy.bool_(True),
    )
    assert protocol.plain(value) == {
        "path": "/tmp/x.tif",
        "pair": [1, 2],
        "array": [[1.0, None]],
        "number": 3,
        "flag": True,
    }


@pytest.mark.parametrize("value", [object(), b"bytes", {"deep": [object()]}])
def test_what_is_not_plain_is_refused(value):
    with pytest.raises(TypeError, match="cannot cross the boundary"):
        protocol.encode(protocol.Result(1, value))


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"Warning 1: TIFFReadDirectory\n",
        b"[1, 2]\n",
        b"3\n",
        b'{"type": "nonsense"}\n',
        b'{"id": 1}\n',
        b'{"type": "cancel"}\n',
        b'{"type": "cancel", "id": 1, "more": 2}\n',
        b'{"type": "result", "id": 1, "value": "cut off\n',
        b'{"type": ["list"], "id": 1}\n',
        b"\xff\xfe\n",
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_message_is_refused(line):
    with pytest.raises(protocol.ProtocolError, match="not a message"):
        protocol.decode(line)
