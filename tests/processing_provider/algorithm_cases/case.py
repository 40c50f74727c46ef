"""What one row of the table says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """An algorithm at work.

    Parameters
    ----------
    id : str
        Without ``gossan:``.
    inputs : dict
        Parameters; whatever is not here stands at its default.
    outputs : dict
        File name for every destination parameter.
    numbers : tuple of str
        Number outputs that must come back finite.
    state : tuple of str
        Files that a cancelled run keeps beside its outputs, for the next one to go on with.
    job : bool
        Whether it calls a job of the engine; some only write what QGIS has in another format.
    seeded : bool
        Whether it has a seed, so that a second run has to give the same.
    wrong : tuple of (dict, str)
        Changes to the inputs (None takes one away), and a part of the sentence that refuses them.
    """

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, str]
    numbers: tuple[str, ...] = ()
    job: bool = True
    state: tuple[str, ...] = ()
    seeded: bool = False
    wrong: tuple[tuple[dict[str, Any], str], ...] = field(default_factory=tuple)
