"""Where a result comes from: algorithm, version, parameters and model, as carried by every output.

Standard library only, so that the toolbox and the engine may both import it.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from gossan.core.errors import InputError

TAG_PREFIX = "GOSSAN_"


@lru_cache(maxsize=1)
def gossan_version() -> str:
    """Return the version in Gossan's ``metadata.txt``, or "unknown" where that file is missing."""
    try:
        # Through the import system and not as a path: a Dask worker imports Gossan from a zip.
        content = pkgutil.get_data("gossan", "metadata.txt")
    except OSError:
        content = None
    for line in (content or b"").decode("utf-8", "replace").splitlines():
        key, _, value = line.partition("=")
        if key.strip() == "version" and value.strip():
            return value.strip()
    return "unknown"


@dataclass(frozen=True)
class Origin:
    """What made a raster, a layer, a report or a model.

    Parameters
    ----------
    algorithm : str
        Id of the algorithm, such as ``gossan:mapmetals``.
    version : str
        Version of Gossan that ran it.
    parameters : dict
        The parameters of the run as plain JSON values.
    model : str or None
        SHA-256 fingerprint of the model file, where one was used.
    """

    algorithm: str = ""
    version: str = field(default_factory=gossan_version)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None

    @classmethod
    def from_dict(cls, origin: Mapping[str, Any] | None) -> Origin:
        """Read the ``origin`` argument of a job; None or an empty one means "not given".

        Raises
        ------
        InputError
            When it holds something else than the four known entries, or values of other types.
        """
        given = dict(origin or {})
        unknown = sorted(set(given) - {"algorithm", "version", "parameters", "model"})
        if unknown:
            raise InputError(
                f"The origin of a job holds {', '.join(map(str, unknown))}; "
                "it may hold algorithm, version, parameters and model only."
            )
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise InputError("The parameters in the origin of a job must be names with values.")
        return cls(
            algorithm=str(given.get("algorithm") or ""),
            version=str(given.get("version") or gossan_version()),
            parameters=dict(parameters),
            model=str(given["model"]) if given.get("model") else None,
        )

    def with_model(self, fingerprint: str | None) -> Origin:
        """Return the same origin with the fingerprint of the model that was used."""
        return Origin(self.algorithm, self.version, self.parameters, fingerprint)

    def with_model_of(self, tags: Mapping[str, str]) -> Origin:
        """Return the same origin with the model behind a raster that has these tags, if any."""
        return self.with_model(tags.get(f"{TAG_PREFIX}MODEL"))

    def to_dict(self) -> dict[str, Any]:
        """Return the origin as plain JSON values; the reverse of `from_dict`."""
        plain: dict[str, Any] = {
            "algorithm": self.algorithm,
            "version": self.version,
            "parameters": dict(self.parameters),
        }
        if self.model:
            plain["model"] = self.model
        return plain

    def tags(self) -> dict[str, str]:
        """Return the origin as raster tags or layer metadata, all text."""
        tags = {
            f"{TAG_PREFIX}ALGORITHM": self.algorithm,
            f"{TAG_PREFIX}VERSION": self.version,
            f"{TAG_PREFIX}PARAMETERS": json.dumps(
                dict(self.parameters), sort_keys=True, ensure_ascii=False, default=str
            ),
        }
        if self.model:
            tags[f"{TAG_PREFIX}MODEL"] = self.model
        return {key: value for key, value in tags.items() if value}
