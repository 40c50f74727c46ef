"""Writing a whole district, part by part, and the manifest that lists its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from gossan.core.errors import InputError
from gossan.core.progress import Progress
from gossan.examples.district import (
    geophysics,
    ground_products,
    landsat,
    registers,
    sentinel,
)
from gossan.examples.district.products import District, Product, Settings
from gossan.examples.district.writing import CRS, write_json

SILENT = Progress()
Part = Callable[[Settings, Path, Progress], list[Product]]


def parts() -> dict[str, Part]:
    """Return the functions that write each part of a district, by name, in order."""
    return {
        "hyperspectral": ground_products.write_scene,
        "soils": ground_products.write_soils,
        "sentinel": sentinel.write_dates,
        "mosaic": sentinel.write_mosaic,
        "geophysics": geophysics.write,
        "registers": registers.write,
        "landsat": landsat.write,
    }


def make_district(
    folder: str | Path,
    settings: Settings | None = None,
    *,
    only: Sequence[str] = (),
    progress: Progress = SILENT,
) -> District:
    """Simulate a district and write it to a folder.

    Parameters
    ----------
    folder : path
        Made when missing; files of an earlier district there are replaced.
    settings : Settings, optional
        Seed, sizes, difficulty.
    only : sequence of str
        Parts to write; empty for all.
    progress : Progress
        Where to report.

    Returns
    -------
    District
        With its manifest written.

    Raises
    ------
    InputError
        When a part is unknown.
    """
    settings = settings or Settings()
    known = parts()
    unknown = sorted(set(only) - set(known))
    if unknown:
        raise InputError(f"Unknown parts: {', '.join(unknown)}. Known: {', '.join(known)}.")
    chosen = [name for name in known if not only or name in only]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    products: list[Product] = []
    for number, name in enumerate(chosen):
        progress.say(f"District {settings.seed}: {name}.")
        part = progress.part(number / len(chosen), (number + 1) / len(chosen))
        products += known[name](settings, folder, part)
    grid = settings.grid
    about = {
        **asdict(settings),
        "crs": CRS,
        "bounds": grid.bounds,
        "ore_body": settings.world.centre,
    }
    manifest = {"settings": about, "products": [asdict(product) for product in products]}
    write_json(folder / "manifest.json", manifest)
    return District(folder, about, tuple(products))


def make_districts(
    folder: str | Path,
    seeds: Sequence[int],
    settings: Settings | None = None,
    *,
    only: Sequence[str] = (),
    progress: Progress = SILENT,
) -> list[District]:
    """Simulate several districts, each in its own subfolder ``district-<seed>``.

    Parameters as for `make_district`; `seeds` replace the settings' own.
    """
    settings = settings or Settings()
    made = []
    for number, seed in enumerate(seeds):
        part = progress.part(number / len(seeds), (number + 1) / len(seeds))
        here = Path(folder) / f"district-{seed}"
        made.append(make_district(here, replace(settings, seed=seed), only=only, progress=part))
    return made
