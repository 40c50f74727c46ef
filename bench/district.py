"""How difficult the district is: what forests on abundances tell of its metals, seed by seed.

Run ``python bench/district.py --seeds 10`` in the engine's environment. Each seed is another
district. Printed are, per extraction workflow and baseline, the median over the districts of R2
(mean of the predictable metals) under spatial blocks and over all pixels.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from gossan.core.samples import Samples
from gossan.core.validation import r2, rpd
from gossan.examples.district import Difficulty, Settings
from gossan.examples.district.hyperspectral import scene, spectrometer
from gossan.examples.district.soils import METALS, UNPREDICTABLE, Survey, soil
from gossan.examples.district.spectra import Palette
from gossan.examples.district.world import BUILT, DRY, MATERIALS, VEGETATION, WATER
from gossan.models.abundances.nnls import nnls
from gossan.models.endmembers.extraction import extract
from gossan.models.endmembers.options import ExtractionOptions
from gossan.models.endmembers.priors import read_priors
from gossan.models.metals import inversion, regressors
from gossan.models.metals.predictors import Pixels
from gossan.models.metals.training import Validation, make_splits

WORKFLOWS = ("PPI", "VCA", "prior", "PPI+VCA", "PPI+prior", "VCA+prior", "PCCEE")
PREDICTABLE = [name != UNPREDICTABLE for name in METALS]


@dataclass(frozen=True, eq=False)
class Truth:
    """A district in memory: reflectance and truth (rows, columns, ...), and its samples."""

    reflectance: np.ndarray
    abundances: np.ndarray
    metals: np.ndarray
    wavelengths: np.ndarray
    library: np.ndarray
    samples: Samples
    pixels: tuple[np.ndarray, np.ndarray]


def simulate(settings: Settings) -> Truth:
    """Return a district in memory, on its usable bands."""
    grid, world = settings.grid, settings.world
    sensor = spectrometer(settings.bands)
    good = sensor.good
    shape = (grid.height, grid.width)
    reflectance = np.empty((*shape, int(good.sum())), dtype=np.float32)
    abundances = np.empty((*shape, len(MATERIALS)), dtype=np.float32)
    metals = np.empty((*shape, len(METALS)), dtype=np.float32)
    for piece in scene(world, grid, sensor):
        reflectance[piece.window.slices] = piece.numbers[..., good] / 10000.0
        abundances[piece.window.slices] = piece.abundances
    survey = Survey(world, grid)
    for part in soil(world, grid):
        metals[part.window.slices] = part.metals
        survey.pass_by(part)
    found = survey.samples()
    # The censored values count as the laboratory's rule says: half the limit, or at it.
    values = np.array([[_number(text) for text in row] for row in found.texts])
    unique = slice(0, len(found.names) - 2)
    samples = Samples(
        found.x[unique],
        found.y[unique],
        values[unique],
        np.full(values[unique].shape, ""),
        METALS,
        found.names[unique],
    )
    rows = ((grid.top - samples.y) // grid.cell).astype(int)
    columns = ((samples.x - grid.left) // grid.cell).astype(int)
    palette = Palette(sensor.wavelengths[good], sensor.fwhm[good])
    return Truth(
        reflectance,
        abundances,
        metals,
        sensor.wavelengths[good],
        palette.means,
        samples,
        (rows, columns),
    )


def _number(text: str) -> float:
    if text.startswith("<"):
        return float(text[1:]) / 2
    return float(text.lstrip(">"))


def scores(
    truth: Truth, features: np.ndarray, seed: int, method: str = "random forest"
) -> dict[str, np.ndarray]:
    """Return R2 and RPD per metal under spatial blocks, and R2 over all open pixels."""
    values = truth.samples.values
    settings = regressors.Settings(method=method, trees=100, seed=seed)
    splits, _ = make_splits(truth.samples, Validation(seed=seed, repeats=5))
    at = features[truth.pixels]
    checked = inversion.cross_validate(at, values, splits, settings, importance=False)
    predicted = checked.predicted
    result = {
        name: np.array(
            [
                np.mean([metric(values[:, k], repeat[:, k]) for repeat in predicted])
                for k in range(len(METALS))
            ]
        )
        for name, metric in (("r2", r2), ("rpd", rpd))
    }
    # Pixels like those that were sampled: open ground, as the map's own mask would keep them.
    plants = truth.abundances[..., VEGETATION] + truth.abundances[..., DRY]
    other = truth.abundances[..., BUILT] + truth.abundances[..., WATER]
    open_ground = np.isfinite(truth.metals).all(axis=-1) & (plants < 0.5) & (other < 0.3)
    pixels = Pixels.of(features[open_ground][::7])
    everywhere = []
    for k in range(len(METALS)):
        model = inversion.fit_element(METALS[k], at, values[:, k], settings)
        everywhere.append(r2(truth.metals[open_ground][::7, k], model.predict(pixels)))
    result["all"] = np.array(everywhere)
    return result


def unmixed(truth: Truth, endmembers: np.ndarray) -> np.ndarray:
    """Return NNLS abundances (rows, columns, endmembers)."""
    shape = truth.reflectance.shape
    return nnls(truth.reflectance.reshape(-1, shape[-1]), endmembers).reshape(*shape[:2], -1)


def main() -> int:
    """Run the chain over several districts and print medians and spread."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--bands", type=int, default=330)
    parser.add_argument("--endmembers", type=int, default=0)
    parser.add_argument("--workflows", nargs="+", default=list(WORKFLOWS))
    parser.add_argument("--set", nargs="*", default=[], help="difficulty, as name=value")
    chosen = parser.parse_args()
    changes = {name: float(value) for name, value in (text.split("=") for text in chosen.set)}
    if "samples" in changes:
        changes["samples"] = int(changes["samples"])
    difficulty = replace(Difficulty(), **changes)
    priors = read_priors("")
    table: dict[str, list[dict[str, np.ndarray]]] = defaultdict(list)
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        began = time.perf_counter()
        settings = Settings(seed=seed, size=chosen.size, bands=chosen.bands, difficulty=difficulty)
        truth = simulate(settings)
        table["true abundances"].append(scores(truth, truth.abundances, seed))
        table["true endmembers"].append(scores(truth, unmixed(truth, truth.library), seed))
        # Every fifth band: neighbours tell a forest the same, and cost it time.
        table["forest on bands"].append(scores(truth, truth.reflectance[..., ::5], seed))
        red, near = (np.argmin(np.abs(truth.wavelengths - nm)) for nm in (665, 860))
        ndvi = truth.reflectance[..., near] - truth.reflectance[..., red]
        ndvi = ndvi / np.maximum(truth.reflectance[..., [near, red]].sum(axis=-1), 0.01)
        table["NDVI alone"].append(scores(truth, ndvi[..., None], seed))
        for workflow in chosen.workflows:
            options = ExtractionOptions(workflow=workflow, seed=seed, endmembers=chosen.endmembers)
            found = extract(truth.reflectance, truth.wavelengths, options, priors=priors)
            table[workflow].append(scores(truth, unmixed(truth, found.spectra), seed))
            sys.stdout.write(f"  {seed} {workflow}: {', '.join(found.classes)}\n")
        for name, results in table.items():
            blocks, everywhere = (results[-1][key][PREDICTABLE].mean() for key in ("r2", "all"))
            sys.stdout.write(f"  {seed} {name}: R2 {blocks:.3f}, all pixels {everywhere:.3f}\n")
        sys.stdout.write(f"district {seed}: {time.perf_counter() - began:.0f} s\n")
        sys.stdout.flush()
    _print(table)
    return 0


def _print(table: dict[str, list[dict[str, np.ndarray]]]) -> None:
    head = " ".join(f"{name:>6}" for name in METALS)
    sys.stdout.write(
        f"\n{'features':<18} {'R2':>6} {'low':>6} {'high':>6} {'all px':>6}   {head}\n"
    )
    for name, results in table.items():
        blocks = [result["r2"][PREDICTABLE].mean() for result in results]
        everywhere = [result["all"][PREDICTABLE].mean() for result in results]
        each = np.median([result["r2"] for result in results], axis=0)
        sys.stdout.write(
            f"{name:<18} {np.median(blocks):6.3f} {min(blocks):6.3f} {max(blocks):6.3f} "
            f"{np.median(everywhere):6.3f}   " + " ".join(f"{value:6.2f}" for value in each) + "\n"
        )
    poor = np.median([result["rpd"] for result in table["true abundances"]], axis=0)
    sys.stdout.write(
        f"{'RPD, true':<18} " + " " * 30 + " ".join(f"{value:6.2f}" for value in poor) + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
