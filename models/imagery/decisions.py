"""What becomes of each scene that a composite is offered."""

from __future__ import annotations

from dataclasses import dataclass

from gossan.models.imagery.scene import Scene


@dataclass
class Decision:
    """Whether a scene takes part.

    Parameters
    ----------
    scene : Scene
    cloud : float or None
        Share of it under cloud, 0 to 1; None where unknown.
    mask : str or None
        Kind of the mask that is used; None without.
    reason : str
        Why it is left out; empty for a scene that takes part.
    """

    scene: Scene
    cloud: float | None = None
    mask: str | None = None
    reason: str = ""
