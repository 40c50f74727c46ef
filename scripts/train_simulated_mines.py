"""Train the two models of mines of the simulated district that ship in ``models/pretrained``.

    .venv/bin/python scripts/train_simulated_mines.py WORKING_FOLDER [--only detector impact]

Takes about half an hour on one core; started again after a stop, it goes on. The same machine gives
the same models.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from gossan.core.bundle import read_bundle, write_bundle
from gossan.core.progress import Progress
from gossan.examples.mine_models import compact, train_detector, train_impact, training_areas

TARGET = Path(__file__).resolve().parent.parent / "models" / "pretrained"
DETECTOR, IMPACT = "mine_detector_simulated.gossan", "mine_impact_simulated.gossan"
ABOUT = (
    "SIMULATED: learnt from images of Gossan's simulated mining districts only (seeds 101 to 116, "
    "each of another season, sun, haze and sensor gain); for the demonstration and for tests, of "
    "no use on images of the real world. "
)
LICENCE = "GPL-2.0-or-later"


def named(path: Path) -> None:
    """Say in a model's card that it is simulated, and under which licence it comes."""
    bundle = read_bundle(path)
    training = dataclasses.replace(bundle.card.training, how=ABOUT + bundle.card.training.how)
    card = dataclasses.replace(bundle.card, training=training, licence=LICENCE)
    write_bundle(path, card, arrays=bundle.arrays())


def main() -> None:
    """Train what the command line names, both by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=["detector", "impact"])
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    progress = Progress(on_message=lambda text: print(text, flush=True))
    areas = training_areas()
    if "detector" in chosen.only:
        made = chosen.folder / DETECTOR
        print(train_detector(areas, chosen.folder, made, progress=progress))
        named(made)
        (TARGET / DETECTOR).write_bytes(made.read_bytes())
    if "impact" in chosen.only:
        made = chosen.folder / IMPACT
        print(train_impact(areas, chosen.folder, made, progress=progress))
        named(made)
        compact(made, TARGET / IMPACT)


if __name__ == "__main__":
    main()
