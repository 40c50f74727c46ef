"""Spectra of made-up soils whose elements are known, for tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from gossan.core.progress import Progress
from gossan.models.soil_spectra.jobs import train

GRID = np.arange(400.0, 2401.0, 4.0)
COUNT = 48
STEPS = "trim, absorbance, smooth"


class Soils:
    """Soils whose iron deepens 900 nm and whose antimony deepens 2200 nm; Xx leaves no trace."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(2)
        self.folder = folder
        self.iron = random.uniform(1, 6, COUNT)
        self.antimony = random.lognormal(3, 0.6, COUNT)
        self.nothing = random.uniform(1, 2, COUNT)
        self.clay = random.uniform(5, 40, COUNT)
        self.names = [f"S{n:02d}" for n in range(COUNT)]
        self.areas = [("north", "south", "west")[n % 3] for n in range(COUNT)]
        self.spectra = self.write_spectra("spectra.csv", self.reflectance(random))
        self.table = self.write_table("elements.csv")

    def reflectance(self, random, antimony=None):
        antimony = self.antimony if antimony is None else antimony
        ink = 0.10 * self.iron[:, None] * np.exp(-0.5 * ((GRID - 900) / 70) ** 2)
        ink = ink + 0.004 * antimony[:, None] * np.exp(-0.5 * ((GRID - 2200) / 25) ** 2)
        ink = ink + random.uniform(0, 0.2, (COUNT, 1)) * np.exp(-0.5 * ((GRID - 1912) / 40) ** 2)
        replicates = (0.5 * np.exp(-ink))[:, None] * np.exp(random.normal(0, 0.03, (COUNT, 2, 1)))
        return replicates + random.normal(0, 0.001, replicates.shape)

    def write_spectra(self, name, reflectance, names=None):
        path = self.folder / name
        with open(path, "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["spectrum", *(f"{nm:g}" for nm in GRID)])
            for sample, rows in zip(names or self.names, reflectance):
                for number, row in enumerate(rows, start=1):
                    table.writerow([f"{sample}_{number}", *(f"{v:.6f}" for v in row)])
        return str(path)

    def write_table(self, name, **changes):
        """Write the laboratory's table; ``changes`` set fields by sample: ``S03={"Sb": ">9"}``."""
        path = self.folder / name
        with open(path, "w", newline="") as file:
            table = csv.DictWriter(file, ["sample", "area", "x", "y", "Fe", "Sb", "Xx", "clay"])
            table.writeheader()
            table.writerow({"sample": "BLANK", "Fe": "<0.01", "Sb": "<0.02"})
            for n, sample in enumerate(self.names):
                row = {
                    "sample": sample,
                    "area": self.areas[n],
                    "x": 500_000 + 10 * n,
                    "y": 4_000_000,
                    "Fe": f"{self.iron[n]:.4g}",
                    "Sb": f"{self.antimony[n]:.4g}",
                    "Xx": f"{self.nothing[n]:.4g}",
                    "clay": f"{self.clay[n]:.3g}",
                }
                table.writerow({**row, **changes.get(sample, {})})
            table.writerow({"sample": "S03 DUP", "Fe": "9", "Sb": "9"})
        return str(path)

    def train(self, progress=None, **changes):
        wanted = {
            "spectra": self.spectra,
            "samples": self.table,
            "elements": ["Fe", "Sb"],
            "name_field": "sample",
            "methods": ["PLSR"],
            "folds": 3,
            "repeats": 1,
            "permutations": 0,
            "components": 6,
            "spacing": 4.0,
            "steps": STEPS,
            "trees": 15,
        }
        return train(progress or Progress(), **{**wanted, **changes})
