"""Simulate districts from the command line: ``python -m gossan.examples.district FOLDER``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from gossan.core.errors import GossanError
from gossan.core.progress import Progress
from gossan.examples.district.district import make_district, make_districts, parts
from gossan.examples.district.landscapes import LANDSCAPES
from gossan.examples.district.products import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, simulate, and return the exit status."""
    default = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m gossan.examples.district",
        description="Simulate a mining district with known truth.",
    )
    parser.add_argument("folder", help="where to write; made when missing")
    parser.add_argument(
        "--seed", type=int, nargs="+", default=[default.seed], help="one seed per district"
    )
    parser.add_argument("--size", type=int, default=default.size, help="pixels of 30 m per side")
    parser.add_argument("--bands", type=int, default=default.bands, help="hyperspectral bands")
    parser.add_argument(
        "--interleave", default=default.interleave, choices=("tif", "bsq", "bil", "bip")
    )
    parser.add_argument("--dates", type=int, default=default.dates, help="Sentinel-2 dates")
    parser.add_argument("--shifted", action="store_true", help="Sentinel-2 of another appearance")
    parser.add_argument("--landscape", default=default.landscape, choices=tuple(LANDSCAPES))
    parser.add_argument("--level", default=default.level, choices=("L2A", "L1C"))
    parser.add_argument("--landsat-scenes", type=int, default=default.landsat_scenes)
    parser.add_argument("--landsat-size", type=int, default=default.landsat_size)
    parser.add_argument("--only", nargs="+", default=[], choices=list(parts()), help="parts")
    chosen = parser.parse_args(arguments)

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")

    progress = Progress(on_message=say)
    try:
        settings = Settings(
            seed=chosen.seed[0],
            size=chosen.size,
            bands=chosen.bands,
            interleave=chosen.interleave,
            dates=chosen.dates,
            shifted=chosen.shifted,
            level=chosen.level,
            landscape=chosen.landscape,
            landsat_scenes=chosen.landsat_scenes,
            landsat_size=chosen.landsat_size,
        )
        if len(chosen.seed) == 1:
            make_district(chosen.folder, settings, only=chosen.only, progress=progress)
        else:
            make_districts(
                chosen.folder, chosen.seed, settings, only=chosen.only, progress=progress
            )
    except GossanError as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
