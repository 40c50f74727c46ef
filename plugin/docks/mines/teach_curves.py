"""The curves of a training under way."""

from __future__ import annotations

import math

from gossan.plugin.docks.plot import Plot

WORDS = {
    "loss": "error on the examples",
    "validation_loss": "error on held-out examples",
    "held_out_loss": "error on held-out examples",
    "held_out_f1": "F1 on held-out examples",
}


class Curves(Plot):
    """Draws each measure over the epochs as they come in."""

    def __init__(self) -> None:
        super().__init__()
        self.measures: dict[str, list[tuple[int, float]]] = {}
        self._epochs = 1

    def begin_training(self, epochs: int) -> None:
        """Forget the last training; this one has so many epochs."""
        self.measures, self._epochs = {}, epochs
        self.say("The curve begins with the first epoch.")

    def add(self, epoch: int, values: dict[str, float]) -> None:
        """Draw what was measured after an epoch."""
        for name, value in values.items():
            if math.isfinite(value):
                self.measures.setdefault(name, []).append((epoch, value))
        if not self.drawable:
            return
        axes = self.begin()
        for name, points in self.measures.items():
            axes.plot(*zip(*points), marker="o", markersize=3, label=WORDS.get(name, name))
        axes.set_xlim(0.5, self._epochs + 0.5)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("Epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(frameon=False)
        self.refresh()
