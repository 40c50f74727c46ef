"""Reading JSON that may come from anywhere: every entry is known, present and of its type."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from gossan.core.errors import BundleError, InputError

_MAXIMUM_ITEMS = 10_000
_MAXIMUM_DEPTH = 12

_Item = TypeVar("_Item")


def load_json(content: bytes, what: str) -> Any:
    """Parse JSON strictly: UTF-8, no entry twice, no NaN or infinity.

    Raises
    ------
    BundleError
        When it is none; ``what`` names it in the message.
    """
    try:
        return json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
        )
    except RecursionError as problem:
        raise BundleError(f"{what} is nested too deeply to be one.") from problem
    except ValueError as problem:
        raise BundleError(f"{what} is not valid JSON: {problem}.") from problem


class Entries:
    """The entries of one JSON object, each taken once; what is left over is refused."""

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise BundleError(f"The model's card is damaged: {where} is not a set of entries.")
        self._where = where
        self._left = dict(values)

    def take(self, name: str, read: Callable[[Any], _Item]) -> _Item:
        """Return an entry as ``read`` gives it; raises `BundleError` with its name."""
        if name not in self._left:
            raise BundleError(f"The model's card has no entry {name!r} in {self._where}.")
        value = self._left.pop(name)
        try:
            return read(value)
        except (TypeError, ValueError, InputError) as problem:
            if isinstance(problem, BundleError):
                raise
            raise BundleError(
                f"The entry {name!r} in {self._where} of the model's file is wrong: {problem}."
            ) from problem

    def take_optional(self, name: str, read: Callable[[Any], _Item]) -> _Item | None:
        """Return an entry that may be null."""
        return self.take(name, lambda value: None if value is None else read(value))

    def finish(self) -> None:
        """Raise `BundleError` when entries are left over."""
        if self._left:
            names = ", ".join(sorted(map(repr, self._left)))
            raise BundleError(f"The model's card has unknown entries in {self._where}: {names}.")


def text(value: Any) -> str:
    """Return a text; raises `TypeError` for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is not a text")
    return value


def filled_text(value: Any) -> str:
    """Return a text that is not empty."""
    if not text(value).strip():
        raise ValueError("it is empty")
    return str(value)


def integer(value: Any) -> int:
    """Return a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r:.60} is not a whole number")
    return value


def count(value: Any) -> int:
    """Return a whole number from 0 to 2**31 - 1."""
    if not 0 <= integer(value) < 1 << 31:
        raise ValueError(f"{value} is out of range")
    return int(value)


def positive(value: Any) -> float:
    """Return a finite number above zero."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r:.60} is not a number")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value} is not above zero")
    return float(value)


def items(value: Any) -> list[Any]:
    """Return a list of at most 10,000 items."""
    if not isinstance(value, list):
        raise TypeError("it is not a list")
    if len(value) > _MAXIMUM_ITEMS:
        raise ValueError(f"it has {len(value)} items, more than {_MAXIMUM_ITEMS}")
    return value


def json_object(value: Any) -> dict[str, Any]:
    """Return a set of entries that is not nested too deeply."""
    if not isinstance(value, Mapping):
        raise TypeError("it is not a set of entries")
    _check_depth(value, 0)
    return dict(value)


def texts(value: Any) -> dict[str, str]:
    """Return a set of entries that are all texts."""
    return {name: text(item) for name, item in json_object(value).items()}


def _check_depth(value: Any, depth: int) -> None:
    if depth > _MAXIMUM_DEPTH:
        raise ValueError("it is nested too deeply")
    children = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, (Mapping, list)):
        for child in children:
            _check_depth(child, depth + 1)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("an entry appears twice")
    return values


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def plain_json(value: Any) -> Any:
    """Return NumPy scalars and arrays, tuples and undefined numbers as plain JSON values."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain_json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
