"""What a trained model says about itself: inputs, outputs, training, scores, licence, origin.

The card is the part of a model file that people and other programs read. Everything in it is plain
JSON, and reading one back checks every entry, because the file may come from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gossan.core.bands import Band
from gossan.core.errors import BundleError
from gossan.core.json_entries import (
    Entries,
    count,
    filled_text,
    integer,
    items,
    json_object,
    load_json,
    plain_json,
    positive,
    text,
    texts,
)
from gossan.core.origin import Origin

SCHEMA_VERSION = 1


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
        return {name: plain_json(value) for name, value in values.items()}

    def to_json(self) -> bytes:
        """Return the card as text that is the same for the same card.

        Raises
        ------
        BundleError
            When it holds values that JSON cannot carry, or is otherwise invalid.
        """
        try:
            content = json.dumps(
                self.to_dict(), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False
            )
        except (TypeError, ValueError) as problem:
            raise BundleError(f"The model's card cannot be stored as JSON: {problem}.") from problem
        Card.from_json(content.encode("utf-8"))
        return content.encode("utf-8")

    @classmethod
    def from_json(cls, content: bytes) -> Card:
        """Read a card from the bytes of ``card.json``; see `from_dict`."""
        return cls.from_dict(load_json(content, "The model's card"))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Card:
        """Check and read a card.

        Raises
        ------
        BundleError
            When an entry is missing, unknown, of the wrong type or out of range; the message
            names the entry.
        """
        entries = Entries("card", values)
        schema = entries.take("schema", integer)
        if schema != SCHEMA_VERSION:
            raise BundleError(
                f"The model's card follows schema {schema}; this version of Gossan reads schema "
                f"{SCHEMA_VERSION}. Open it with the version of Gossan that made it, or train the "
                "model again."
            )
        card = cls(
            kind=entries.take("kind", filled_text),
            architecture=entries.take("architecture", json_object),
            bands=tuple(
                _band(index, band) for index, band in enumerate(entries.take("bands", items))
            ),
            scaling=entries.take("scaling", json_object),
            ground_sampling_distance=entries.take_optional("ground_sampling_distance_m", positive),
            patch=entries.take_optional("patch", count),
            stride=entries.take_optional("stride", count),
            halo=entries.take_optional("halo", count),
            classes=tuple(_class_label(item) for item in entries.take("classes", items)),
            targets=tuple(_target(item) for item in entries.take("targets", items)),
            training=_training(entries.take("training", json_object)),
            versions=entries.take("versions", texts),
            licence=entries.take("licence", text),
            origin=_origin(entries.take("origin", json_object)),
        )
        entries.finish()
        values_seen = [label.value for label in card.classes]
        if len(set(values_seen)) != len(values_seen):
            raise BundleError("The model's card gives two classes the same value.")
        return card


def _band(index: int, values: Any) -> Band:
    entries = Entries(f"band {index + 1}", values)
    band = Band(
        index,
        entries.take("name", text),
        entries.take_optional("wavelength_nm", positive),
        entries.take_optional("fwhm_nm", positive),
    )
    entries.finish()
    return band


def _class_label(values: Any) -> ClassLabel:
    entries = Entries("a class", values)
    label = ClassLabel(
        entries.take("value", _class_value),
        entries.take("name", filled_text),
        entries.take_optional("colour", _colour),
    )
    entries.finish()
    return label


def _target(values: Any) -> Target:
    entries = Entries("a target", values)
    target = Target(entries.take("name", filled_text), entries.take("unit", text))
    entries.finish()
    return target


def _training(values: Any) -> Training:
    entries = Entries("training", values)
    training = Training(
        entries.take("how", text),
        entries.take("split", text),
        entries.take("samples", count),
        entries.take("scores", json_object),
    )
    entries.finish()
    return training


def _origin(values: Any) -> Origin:
    entries = Entries("origin", values)
    origin = Origin(
        entries.take("algorithm", text),
        entries.take("version", text),
        entries.take("parameters", json_object),
        entries.take_optional("model", text) if "model" in values else None,
    )
    entries.finish()
    return origin


def _class_value(value: Any) -> int:
    if not 1 <= integer(value) <= 65535:
        raise ValueError(f"class value {value} is not between 1 and 65535")
    return int(value)


def _colour(value: Any) -> str:
    colour = text(value)
    if len(colour) != 7 or colour[0] != "#" or set(colour[1:].lower()) - set("0123456789abcdef"):
        raise ValueError(f"{colour!r:.20} is not a colour such as #cc3300")
    return colour.lower()
