"""Mines on simulated districts: recall and false findings on unseen seeds, and what teaching does.

Run ``python bench/mines.py`` in the engine's environment. The detector that ships has learnt from
districts of the seeds 101 to 116; those here are others. What counts as found and as false is said
in ``examples/mine_review.py``.

Teaching: the detector that ships has never seen the dry country (``--landscape dry`` of the
district). The findings of one dry district are reviewed by the truth, the detector is taught by
them alone, as the dock does it, and other dry districts, which nobody reviewed, are searched by
both; and humid ones, to see what was forgotten. The dry country was made with the seeds 301 to 303,
which are not used here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from gossan.core.bundle import fingerprint_of
from gossan.core.review.teaching import THRESHOLD
from gossan.examples.district.sentinel import MOSAIC, SHIFTED
from gossan.examples.mine_models import Area
from gossan.examples.mine_review import SHIPPED, Searched, dry_area, search, teach

LOOKS = {"normal": MOSAIC, "shifted": SHIFTED}


def totals(results: list[Searched]) -> tuple[int, int, int, float]:
    """Return mines found, mines, false findings and square kilometres."""
    mines = [found for result in results for found in result.mines()]
    false = sum(len(result.false) for result in results)
    return sum(mines), len(mines), false, sum(result.square_kilometres for result in results)


def tell(name: str, results: list[Searched]) -> None:
    """Print recall and false findings."""
    found, mines, false, area = totals(results)
    recall = found / mines if mines else float("nan")
    sys.stdout.write(
        f"{name:<34} mines {found:>3} of {mines:>3} ({recall:.3f})   false {false:>4} in "
        f"{area:>6.0f} km2 = {1000 * false / area:6.1f} per 1000 km2\n"
    )
    sys.stdout.flush()


def areas_of(look: str, seeds: list[int], size: int) -> list[Area]:
    """Return humid districts of some seeds."""
    return [Area(seed, size, LOOKS[look], f"{seed}-{size}-{look}") for seed in seeds]


def accuracy(model: Path, impact: str, seeds: list[int], size: int, folder: Path) -> None:
    """Search districts of unseen seeds, as they usually look and with shifted appearance."""
    for look in ("normal", "shifted"):
        results = []
        for area in areas_of(look, seeds, size):
            results.append(search(model, area, folder, impact))
            tell(f"  {look}, seed {area.seed}", results[-1:])
        tell(f"{look} appearance, all seeds", results)


def teaching(model: Path, chosen: argparse.Namespace) -> None:
    """Teach by the review of one dry district, search others by the detector before and after."""
    size, folder = chosen.size, chosen.folder
    dry = [dry_area(seed, size) for seed in chosen.unreviewed]
    humid = areas_of("normal", chosen.humid, size)
    before = [search(model, area, folder) for area in dry]
    usual = [search(model, area, folder) for area in humid]
    tell("dry, unreviewed, before", before)
    tell("humid, before", usual)
    changes = []
    for seed in chosen.teachers:
        reviewed = search(model, dry_area(seed, size), folder)
        tell(f"  seed {seed}, to be reviewed", [reviewed])
        taught = teach(model, reviewed, folder)
        after = [search(taught, area, folder, threshold=THRESHOLD) for area in dry]
        kept = [search(taught, area, folder, threshold=THRESHOLD) for area in humid]
        tell(f"  taught by {seed}: dry", after)
        tell(f"  taught by {seed}: humid", kept)
        changes.append((*totals(after)[:3:2], *totals(kept)[:3:2]))
    found, mines, false, _ = totals(before)
    sys.stdout.write(
        f"before: {found} of {mines} mines and {false} false findings in dry districts, "
        f"{totals(usual)[0]} of {totals(usual)[1]} and {totals(usual)[2]} in humid ones\n"
    )
    columns = np.array(changes)
    names = ("mines, dry", "false, dry", "mines, humid", "false, humid")
    for name, column in zip(names, columns.T):
        sys.stdout.write(
            f"after, {name}: median {np.median(column):g}, {column.min()} to {column.max()}\n"
        )


def main() -> int:
    """Run what the command line names, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["accuracy", "teaching"])
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--impact", default="", help="impact model; none by default")
    parser.add_argument("--folder", type=Path, default=Path("build/bench_mines"))
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(201, 211)))
    parser.add_argument("--teachers", type=int, nargs="+", default=list(range(401, 406)))
    parser.add_argument("--unreviewed", type=int, nargs="+", default=list(range(406, 411)))
    parser.add_argument("--humid", type=int, nargs="+", default=list(range(201, 205)))
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    sys.stdout.write(f"{chosen.model.name}, {fingerprint_of(chosen.model)[:12]}\n")
    if "accuracy" in chosen.parts:
        accuracy(chosen.model, chosen.impact, chosen.seeds, chosen.size, chosen.folder)
    if "teaching" in chosen.parts:
        teaching(chosen.model, chosen)
    return 0


if __name__ == "__main__":
    sys.exit(main())
