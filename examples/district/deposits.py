"""A table of mineral deposits: the mines, and occurrences around the granites."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gossan.core.tables import write_table
from gossan.examples.district.places import Bounds
from gossan.examples.district.products import Product
from gossan.examples.district.registers import to_degrees
from gossan.examples.district.world import World

OCCURRENCE_SPACING = 2200.0
"""Size of the lattice of possible occurrences, metres."""

_COMMODITIES = {
    "antimony": ("Antimony", "Gold, Arsenic", ""),
    "lead and zinc": ("Zinc, Lead", "Silver", "Cadmium"),
    "copper": ("Copper", "Gold, Molybdenum", ""),
    "iron": ("Iron", "", "Titanium"),
    "limestone": ("Limestone", "", ""),
    "gravel": ("Sand and Gravel, Construction", "", ""),
}
_COLUMNS = (
    "site_name", "latitude", "longitude", "region", "country", "state", "county", "com_type",
    "commod1", "commod2", "commod3", "oper_type", "prod_size", "dev_stat", "ore", "gangue",
    "work_type", "hrock_type", "arock_type",
)  # fmt: skip


class Deposit(NamedTuple):
    """A place in the deposit table."""

    name: str
    x: float
    y: float
    ore: str
    status: str


def deposits(world: World, region: Bounds) -> list[Deposit]:
    """Return the mines of a region, and occurrences that crowd where granite has baked the rock."""
    found = [
        Deposit(mine.name, mine.x, mine.y, mine.ore, "Producer")
        for mine in world.places.mines(region)
    ]
    granites = world.places.granites(region)
    ores = ("antimony", "lead and zinc", "copper", "iron")
    for point in world.chance.lattice("occurrence", region, OCCURRENCE_SPACING, 1.0):
        x, y = np.array([[point.x]]), np.array([[point.y]])
        level = max((1.0 - float(body.level(x, y)[0][0, 0]) for body in granites), default=-9.0)
        likely = 0.12 + 0.7 * math.exp(-(((level + 0.15) / 0.25) ** 2))
        if world.chance.number("occurs", point.key) < likely:
            ore = ores[point.key % 4]
            status = ("Occurrence", "Prospect", "Past Producer")[point.key % 3]
            found.append(Deposit(f"Showing {point.key % 9999:04d}", point.x, point.y, ore, status))
    return found


def write_deposits(world: World, region: Bounds, folder: Path) -> list[Product]:
    """Write the deposits of a region, and some rows that no map can show."""
    found = deposits(world, region)
    longitude, latitude = to_degrees([d.x for d in found], [d.y for d in found])
    rows = []
    for number, (deposit, lon, lat) in enumerate(zip(found, longitude, latitude)):
        first, second, third = _COMMODITIES[deposit.ore]
        kind = "N" if deposit.ore in ("limestone", "gravel") else "M"
        work = "Surface" if deposit.status == "Producer" else "Unknown"
        rows.append(
            [deposit.name, round(lat, 5), round(lon, 5), "AS", "Simulated", "", "", kind, first,
             second, third, work, "SML"[number % 3], deposit.status, "", "Quartz", work, "", ""]
        )  # fmt: skip
    blank = ["AS", "Simulated", "", "", "M", "Tungsten", "", "", "Unknown", "", "Occurrence"]
    blank += ["", "", "", "", ""]
    rows += [
        ["Without coordinates", "", "", *blank],
        ["Latitude missing", "", 110.9, *blank],
        ["Out of range", 278.1, 1110.6, *blank],
        ["Null island", 0.0, 0.0, *blank],
    ]
    write_table(folder / "deposits.csv", _COLUMNS, rows)
    details = {"rows_without_place": 2, "rows_out_of_range": 1, "deposits": len(found)}
    about = "Mineral deposits in the columns of the Mineral Resources Data System"
    return [Product("deposits", "deposits.csv", "table", about, details=details)]
