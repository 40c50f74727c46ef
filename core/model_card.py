"""What a trained model says about itself: inputs, outputs, training, scores, licence, origin.

The card is the part of a model file that people and other programs read. Everything in it is plain
JSON, and reading one back checks every entry, because the file may come from anywhere.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from gossan.core.bands import Band
from gossan.core.errors import BundleError, InputError
from gossan.core.origin import Origin

SCHEMA_VERSION = 1

_MAXIMUM_ITEMS = 10_000
_MAXIMUM_DEPTH = 12

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class ClassLabel:
    """A class that a model maps.

    Parameters
    ----------
    value : int
        Pixel value of the class in rasters, 1 or more (0 means no data).
    name : str
    colour : str or None
        ``#rrggbb``.
    """

    value: int
    name: str
    colour: str | None = None


@dataclass(frozen=True)
class Target:
    """A quantity that a model estimates, with its unit (such as ``mg/kg``; "" for none)."""

    name: str
    unit: str = ""


@dataclass(frozen=True)
class Training:
    """How a model was trained and how its scores were obtained.

    Parameters
    ----------
    how : str
        One sentence for people: data, method, place.
    split : str
        How training and validation samples were kept apart.
    samples : int
        Number of samples that it was trained on.
    scores : dict
        Scores by target and name, plain JSON; those that are undefined are None.
    """

    how: str = ""
    split: str = ""
    samples: int = 0
    scores: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """All that is needed to use a model, to judge it and to name it.

    Parameters
    ----------
    kind : str
        What it is for, such as ``metals`` or ``lithology``; a reader refuses other kinds.
    architecture : dict
        Name of the architecture and its parameters, from which the code rebuilds the model.
    bands : tuple of Band
        The inputs in the model's order; wavelength and FWHM in nm where they have one.
    scaling : dict
        How inputs are prepared, such as means and standard deviations per band.
    ground_sampling_distance : float or None
        Metres per pixel that the model was trained for.
    patch, stride, halo : int or None
        Geometry of a network's windows in pixels.
    classes : tuple of ClassLabel
        For models that map classes.
    targets : tuple of Target
        For models that estimate quantities.
    training : Training
    versions : dict
        Versions of the packages it was made with.
    licence : str
        Under which licence the model may be used; "" where not stated.
    origin : Origin
        Algorithm, version and parameters that made it.
    """

    kind: str
    architecture: Mapping[str, Any] = field(default_factory=dict)
    bands: tuple[Band, ...] = ()
    scaling: Mapping[str, Any] = field(default_factory=dict)
    ground_sampling_distance: float | None = None
    patch: int | None = None
    stride: int | None = None
    halo: int | None = None
    classes: tuple[ClassLabel, ...] = ()
    targets: tuple[Target, ...] = ()
    training: Training = field(default_factory=Training)
    versions: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    origin: Origin = field(default_factory=Origin)

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain JSON values; the reverse of `from_dict`."""
        values = {
            "schema": SCHEMA_VERSION,
            "kind": self.kind,
            "architecture": self.architecture,
            "bands": [
                {"name": band.name, "wavelength_nm": band.wavelength, "fwhm_nm": band.fwhm}
                for band in self.bands
            ],
            "scaling": self.scaling,
            "ground_sampling_distance_m": self.ground_sampling_distance,
            "patch": self.patch,
            "stride": self.stride,
            "halo": self.halo,
            "classes": [
                {"value": label.value, "name": label.name, "colour": label.colour}
                for label in self.classes
            ],
            "targets": [{"name": target.name, "unit": target.unit} for target in self.targets],
            "training": {
                "how": self.training.how,
                "split": self.training.split,
                "samples": self.training.samples,
                "scores": self.training.scores,
            },
            "versions": dict(self.versions),
            "licence": self.licence,
            "origin": self.origin.to_dict(),
        }
        return {name: _plain(value) for name, value in values.items()}

    def to_json(self) -> bytes:
        """Return the card as text that is the same for the same card.

        Raises
        ------
        BundleError
            When it holds values that JSON cannot carry, or is otherwise invalid.
        """
        try:
            text = json.dumps(
                self.to_dict(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
            )
        except (TypeError, ValueError) as problem:
            raise BundleError(f"The model's card cannot be stored as JSON: {problem}.") from problem
        Card.from_json(text.encode("utf-8"))
        return text.encode("utf-8")

    @classmethod
    def from_json(cls, content: bytes) -> Card:
        """Read a card from the bytes of ``card.json``; see `from_dict`."""
        try:
            values = json.loads(
                content.decode("utf-8"),
                object_pairs_hook=_without_duplicates,
                parse_constant=_refuse_constant,
            )
        except RecursionError as problem:
            raise BundleError("The model's card is nested too deeply to be a card.") from problem
        except ValueError as problem:
            raise BundleError(f"The model's card is not valid JSON: {problem}.") from problem
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """Check and read a card.

        Raises
        ------
        BundleError
            When an entry is missing, unknown, of the wrong type or out of range; the message
            names the entry.
        """
        entries = _Entries("card", values)
        schema = entries.take("schema", _integer)
        if schema != SCHEMA_VERSION:
            raise BundleError(
                f"The model's card follows schema {schema}; this version of Gossan reads schema "
                f"{SCHEMA_VERSION}. Open it with the version of Gossan that made it, or train the "
                "model again."
            )
        card = cls(
            kind=entries.take("kind", _filled_text),
            architecture=entries.take("architecture", _json_object),
            bands=tuple(
                _band(index, band) for index, band in enumerate(entries.take("bands", _items))
            ),
            scaling=entries.take("scaling", _json_object),
            ground_sampling_distance=entries.take_optional("ground_sampling_distance_m", _positive),
            patch=entries.take_optional("patch", _count),
            stride=entries.take_optional("stride", _count),
            halo=entries.take_optional("halo", _count),
            classes=tuple(_class_label(item) for item in entries.take("classes", _items)),
            targets=tuple(_target(item) for item in entries.take("targets", _items)),
            training=_training(entries.take("training", _json_object)),
            versions=entries.take("versions", _texts),
            licence=entries.take("licence", _text),
            origin=_origin(entries.take("origin", _json_object)),
        )
        entries.finish()
        values_seen = [label.value for label in card.classes]
        if len(set(values_seen)) != len(values_seen):
            raise BundleError("The model's card gives two classes the same value.")
        return card


class _Entries:
    """The entries of one JSON object, each taken once; what is left over is refused."""

    def __init__(self, where: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise BundleError(f"The model's card is damaged: {where} is not a set of entries.")
        self._where = where
        self._left = dict(values)

    def take(self, name: str, read: Callable[[Any], _Item]) -> _Item:
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
        return self.take(name, lambda value: None if value is None else read(value))

    def finish(self) -> None:
        if self._left:
            names = ", ".join(sorted(map(repr, self._left)))
            raise BundleError(f"The model's card has unknown entries in {self._where}: {names}.")


def _band(index: int, values: Any) -> Band:
    entries = _Entries(f"band {index + 1}", values)
    band = Band(
        index,
        entries.take("name", _text),
        entries.take_optional("wavelength_nm", _positive),
        entries.take_optional("fwhm_nm", _positive),
    )
    entries.finish()
    return band


def _class_label(values: Any) -> ClassLabel:
    entries = _Entries("a class", values)
    label = ClassLabel(
        entries.take("value", _class_value),
        entries.take("name", _filled_text),
        entries.take_optional("colour", _colour),
    )
    entries.finish()
    return label


def _target(values: Any) -> Target:
    entries = _Entries("a target", values)
    target = Target(entries.take("name", _filled_text), entries.take("unit", _text))
    entries.finish()
    return target


def _training(values: Any) -> Training:
    entries = _Entries("training", values)
    training = Training(
        entries.take("how", _text),
        entries.take("split", _text),
        entries.take("samples", _count),
        entries.take("scores", _json_object),
    )
    entries.finish()
    return training


def _origin(values: Any) -> Origin:
    entries = _Entries("origin", values)
    origin = Origin(
        entries.take("algorithm", _text),
        entries.take("version", _text),
        entries.take("parameters", _json_object),
        entries.take_optional("model", _text) if "model" in values else None,
    )
    entries.finish()
    return origin


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} is not a text")
    return value


def _filled_text(value: Any) -> str:
    if not _text(value).strip():
        raise ValueError("it is empty")
    return str(value)


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r:.60} is not a whole number")
    return value


def _count(value: Any) -> int:
    if not 0 <= _integer(value) < 1 << 31:
        raise ValueError(f"{value} is out of range")
    return int(value)


def _class_value(value: Any) -> int:
    if not 1 <= _integer(value) <= 65535:
        raise ValueError(f"class value {value} is not between 1 and 65535")
    return int(value)


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r:.60} is not a number")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value} is not above zero")
    return float(value)


def _colour(value: Any) -> str:
    text = _text(value)
    if len(text) != 7 or text[0] != "#" or set(text[1:].lower()) - set("0123456789abcdef"):
        raise ValueError(f"{text!r:.20} is not a colour such as #cc3300")
    return text.lower()


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it is not a list")
    if len(value) > _MAXIMUM_ITEMS:
        raise ValueError(f"it has {len(value)} items, more than {_MAXIMUM_ITEMS}")
    return value


def _json_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError("it is not a set of entries")
    _check_depth(value, 0)
    return dict(value)


def _texts(value: Any) -> dict[str, str]:
    return {name: _text(item) for name, item in _json_object(value).items()}


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


def _plain(value: Any) -> Any:
    """Return NumPy scalars and arrays, tuples and undefined numbers as plain JSON values."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
