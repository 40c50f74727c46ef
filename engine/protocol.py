"""The words that QGIS's side and the engine exchange: one JSON object per line.

QGIS's side sends `Job`, `Cancel` and `Quit`. The engine greets with `Hello`; then, for every job,
any number of `Fraction`, `Message`, `Warn` and `Measures`, and at the end exactly one of `Result`,
`Failure` and `Cancelled`. Pixels never travel here, only paths, numbers, texts, lists and small
tables.

JSON knows no NaN and no infinity: both travel as ``null`` and arrive as None. Lines are plain ASCII
(other letters are escaped), so that no locale and no undecodable file name can damage them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from os import PathLike, fspath
from typing import Any, Union

PROTOCOL = 2
"""Number of this set of messages; both sides must have the same."""


class ProtocolError(ValueError):
    """A line is not one of the messages of this protocol."""


@dataclass(frozen=True)
class Hello:
    """The engine is ready: which protocol, Gossan, Python and process it is."""

    protocol: int
    version: str
    python: str
    pid: int


@dataclass(frozen=True)
class Job:
    """Run the job `name` with these keyword parameters."""

    id: int
    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Cancel:
    """Stop the job as soon as it checks."""

    id: int


@dataclass(frozen=True)
class Quit:
    """End the engine."""


@dataclass(frozen=True)
class Fraction:
    """The finished share of the job, 0 to 1."""

    id: int
    value: float


@dataclass(frozen=True)
class Message:
    """A sentence for people."""

    id: int
    text: str


@dataclass(frozen=True)
class Warn:
    """A sentence that says what a finding means for the result."""

    id: int
    text: str


@dataclass(frozen=True)
class Measures:
    """What was measured at a step of training, such as an epoch: points of live curves."""

    id: int
    step: int
    values: dict[str, Any]


@dataclass(frozen=True)
class Result:
    """The job is done; `value` is what it returned."""

    id: int
    value: Any


@dataclass(frozen=True)
class Failure:
    """The job failed: the name of the kind of error and a sentence for people."""

    id: int
    kind: str
    message: str


@dataclass(frozen=True)
class Cancelled:
    """The job has stopped because it was cancelled."""

    id: int


AnyMessage = Union[
    Hello, Job, Cancel, Quit, Fraction, Message, Warn, Measures, Result, Failure, Cancelled
]

_BY_NAME = {kind.__name__.lower(): kind for kind in AnyMessage.__args__}


def encode(message: AnyMessage) -> bytes:
    """Return the line, with its line end, that carries `message`.

    Raises
    ------
    TypeError
        If it contains something that is neither plain nor convertible by `plain`.
    """
    body = {field.name: plain(getattr(message, field.name)) for field in fields(message)}
    words = {"type": type(message).__name__.lower(), **body}
    return json.dumps(words, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> AnyMessage:
    """Return the message that a line carries.

    Raises
    ------
    ProtocolError
        If the line is no message.
    """
    try:
        words = json.loads(line)
        kind = _BY_NAME[words.pop("type")]
        return kind(**words)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"This line is not a message: {line[:200]!r}") from error


def plain(value: Any) -> Any:
    """Return `value` made of dict, list, str, int, finite float, bool and None only.

    NaN and infinity become None; paths become text; arrays and array scalars become lists and
    numbers.

    Raises
    ------
    TypeError
        If that is not possible.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return [plain(item) for item in value]
    raise TypeError(f"A {type(value).__name__} cannot cross the boundary: {value!r:.100}")
