"""ONNX classifiers of others: looked through before anything is run.

ONNX describes calculations, not programs, but a file may point to others for its weights, which
its runtime would read, and may ask for operators that only a library of its author knows. Both are
refused here, by walking through the file's records, before the runtime sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from gossan.core.errors import FileError, GossanError, InputError

LARGEST = 256 << 20
"""Bytes that a file may have."""

DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
"""Sets of operators that every runtime of ONNX knows."""

_DEEPEST = 12

# Numbers of the records in the format's description, onnx.proto.
_MODEL_OPSETS, _MODEL_GRAPH, _MODEL_FUNCTIONS = 8, 7, 25
_OPSET_DOMAIN = 1
_GRAPH_NODES, _GRAPH_TENSORS, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTES, _NODE_DOMAIN, _NODE_OPERATOR = 5, 7, 4
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_SPARSE_PARTS = (1, 2)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_FUNCTION_NODES, _FUNCTION_OPSETS = 7, 9


class Signature(NamedTuple):
    """What a model takes and gives: names, and sizes (None where any size fits)."""

    name: str
    shape: tuple[int | None, ...]
    output: str


def check_onnx(content: bytes, path: str) -> None:
    """Refuse a model that asks for other files or for operators of its author.

    Raises
    ------
    InputError
        It does; the message says what for.
    FileError
        It is damaged or no ONNX.
    """
    if len(content) > LARGEST:
        raise InputError(f"{path} is refused: it is larger than {LARGEST >> 20} MB.")
    view = memoryview(content)
    try:
        graphs = 0
        for number, value in _records(view):
            if number == _MODEL_GRAPH:
                graphs += 1
                _check_graph(value, path, 0)
            elif number == _MODEL_OPSETS:
                _check_domain(_text_of(value, _OPSET_DOMAIN), path)
            elif number == _MODEL_FUNCTIONS:
                _check_function(value, path)
    except (IndexError, ValueError, TypeError) as problem:
        if isinstance(problem, InputError):
            raise
        raise FileError(f"{path} is damaged or no ONNX model.") from problem
    if graphs != 1:
        raise FileError(f"{path} is damaged or no ONNX model.")


def session(content: bytes, path: str) -> Any:
    """Return a runtime for a model that `check_onnx` has let pass.

    Raises
    ------
    GossanError
        The engine lacks the runtime.
    InputError
        The runtime refuses the model.
    """
    try:
        import onnxruntime
    except ImportError as problem:
        raise GossanError(
            "This needs ONNX Runtime, which the engine lacks. Set the engine up again, with 'Also "
            f"what networks need' ticked. ({problem})"
        ) from problem
    check_onnx(content, path)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    with naming_refusals(path):
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


@contextmanager
def naming_refusals(path: str) -> Iterator[None]:
    """Turn the errors of the runtime, which have no root of their own, into sentences.

    Raises
    ------
    InputError
        The runtime refuses a model or its inputs.
    """
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    refusals = (
        state.EPFail,
        state.Fail,
        state.InvalidArgument,
        state.InvalidGraph,
        state.InvalidProtobuf,
        state.NoSuchFile,
        state.NotImplemented,
        state.RuntimeException,
    )
    try:
        yield
    except refusals as problem:
        first = str(problem).split("\n")[0]
        raise InputError(f"{path} cannot be run: {first}") from problem


def signature_of(runner: Any, path: str) -> Signature:
    """Return what a model takes and gives.

    Raises
    ------
    InputError
        It has several inputs, or numbers other than float32.
    """
    inputs, outputs = runner.get_inputs(), runner.get_outputs()
    if len(inputs) != 1:
        raise InputError(f"{path} has {len(inputs)} inputs; a classifier of images has one.")
    if inputs[0].type != "tensor(float)" or outputs[0].type != "tensor(float)":
        raise InputError(
            f"{path} takes {inputs[0].type} and gives {outputs[0].type}; float32 is needed."
        )
    shape = tuple(size if isinstance(size, int) and size > 0 else None for size in inputs[0].shape)
    return Signature(inputs[0].name, shape, outputs[0].name)


def as_array(content: bytes) -> np.ndarray:
    """Return a file as an array, which is how a model file keeps it."""
    return np.frombuffer(content, dtype=np.uint8)


def _check_graph(graph: memoryview, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise InputError(f"{path} is refused: its graphs are nested too deeply.")
    for number, value in _records(graph):
        if number == _GRAPH_NODES:
            _check_node(value, path, depth)
        elif number == _GRAPH_TENSORS:
            _check_tensor(value, path)
        elif number == _GRAPH_SPARSE:
            _check_sparse(value, path)


def _check_node(node: memoryview, path: str, depth: int) -> None:
    _check_domain(_text_of(node, _NODE_DOMAIN), path, _text_of(node, _NODE_OPERATOR))
    for number, attribute in _records(node):
        if number != _NODE_ATTRIBUTES:
            continue
        for part, value in _records(attribute):
            if part in _ATTRIBUTE_TENSORS:
                _check_tensor(value, path)
            elif part in _ATTRIBUTE_SPARSE:
                _check_sparse(value, path)
            elif part in _ATTRIBUTE_GRAPHS:
                _check_graph(value, path, depth + 1)


def _check_function(function: memoryview, path: str) -> None:
    for number, value in _records(function):
        if number == _FUNCTION_NODES:
            _check_node(value, path, 1)
        elif number == _FUNCTION_OPSETS:
            _check_domain(_text_of(value, _OPSET_DOMAIN), path)


def _check_sparse(sparse: memoryview, path: str) -> None:
    for number, value in _records(sparse):
        if number in _SPARSE_PARTS:
            _check_tensor(value, path)


def _check_tensor(tensor: memoryview, path: str) -> None:
    for number, value in _records(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
            raise InputError(
                f"{path} is refused: some of its weights lie in another file. Export the model as "
                "one file."
            )


def _check_domain(domain: str, path: str, operator: str = "") -> None:
    if domain not in DOMAINS:
        what = f"the operator {operator!r:.60} of" if operator else "operators of"
        raise InputError(
            f"{path} is refused: it needs {what} {domain!r:.60}, which only its author's library "
            "knows."
        )


def _text_of(message: memoryview, wanted: int) -> str:
    texts = [bytes(value) for number, value in _records(message) if number == wanted]
    return texts[-1].decode("utf-8") if texts else ""


def _records(message: Any) -> Iterator[tuple[int, Any]]:
    """Yield number and value of each record: whole numbers, or the bytes of texts and messages."""
    place, end = 0, len(message)
    while place < end:
        key, place = _whole_number(message, place)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _whole_number(message, place)
        elif kind == 2:
            length, place = _whole_number(message, place)
            value, place = message[place : place + length], place + length
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            value, place = message[place : place + size], place + size
        else:
            raise ValueError("an unknown kind of record")
        if place > end or not number:
            raise ValueError("a record that does not end")
        yield number, value


def _whole_number(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("a number without an end")
