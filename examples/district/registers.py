"""What the authorities know of the mines: a register with gaps and slips, and concessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rasterio.warp import transform

from gossan.core.progress import Progress
from gossan.core.tables import write_table
from gossan.examples.district.fields import Chance
from gossan.examples.district.places import Mine
from gossan.examples.district.products import Product, Settings
from gossan.examples.district.writing import CRS, polygon, write_features

WGS84 = "EPSG:4326"
PHASES = ("mining licence", "exploration licence", "requested")


class Entry(NamedTuple):
    """How the register knows a mine: where (metres), and how far that is from the truth."""

    mine: Mine
    x: float
    y: float
    misplaced: float


def write(settings: Settings, folder: Path, progress: Progress) -> list[Product]:
    """Write the truth about mines and look-alikes, the register, concessions and reserves."""
    world, bounds = settings.world, settings.grid.bounds
    mines = world.places.mines(bounds)
    entries = register(mines, world.chance)
    listed = {entry.mine.key: entry for entry in entries}
    write_features(folder / "truth_mines.geojson", _mine_features(mines, listed))
    ponds = world.places.irrigation_ponds(bounds)
    write_features(
        folder / "truth_irrigation_ponds.geojson",
        [
            ({"pond": number, "part": part}, geometry)
            for number, pond in enumerate(ponds)
            for part, geometry in (
                ("water", polygon(pond.pond.ring())),
                ("dam", polygon(pond.dam.ring())),
            )
        ],
    )
    progress.fraction(0.5)
    _write_register(folder, settings, mines, entries)
    write_features(folder / "concessions.geojson", _concessions(settings, mines, listed))
    write_features(folder / "protected_areas.geojson", _reserves(settings, mines, listed))
    return [
        Product(
            "mines", "truth_mines.geojson", "features",
            "Pits, dumps, plants, tailings ponds and dams", True,
        ),
        Product(
            "irrigation_ponds", "truth_irrigation_ponds.geojson", "features",
            "Irrigation ponds and their dams: look-alikes", True,
        ),
        Product(
            "register", "register.csv", "table",
            "Register of mines, degrees-minutes-seconds; some missing, some misplaced",
            details={"latitude": "LATITUDE", "longitude": "LONGITUDE", "ore": "ORE"},
        ),
        Product("register_truth", "truth_register.csv", "table", "What the register says", True),
        Product(
            "concessions", "concessions.geojson", "features", "Concessions with their phase",
            details={"phase": "phase", "phases": list(PHASES)},
        ),
        Product(
            "protected_areas", "protected_areas.geojson", "features",
            "A nature reserve and a community's land",
        ),
    ]  # fmt: skip


def register(mines: list[Mine], chance: Chance) -> list[Entry]:
    """Return the register's entries: three in ten mines are missing, one in four is misplaced.

    Of three or more mines at least one is missing and one misplaced by 400 to 1600 m; the others
    are placed to 60 m.
    """
    ranked = sorted(mines, key=lambda mine: chance.number("registered", mine.key))
    missing = round(0.3 * len(mines)) if len(mines) > 2 else 0
    kept = ranked[missing:]
    astray = max(round(0.25 * len(kept)), 1) if len(mines) > 2 else 0
    entries = []
    for number, mine in enumerate(kept):
        low, high = (400.0, 1600.0) if number < astray else (5.0, 60.0)
        away = low + (high - low) * chance.number("astray", mine.key)
        turn = 2 * np.pi * chance.number("astray bearing", mine.key)
        entries.append(
            Entry(mine, mine.x + away * np.cos(turn), mine.y + away * np.sin(turn), away)
        )
    return sorted(entries, key=lambda entry: entry.mine.key)


def to_degrees(x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
    """Return longitude and latitude (WGS 84, degrees) of points of the district."""
    if not x:
        return [], []
    longitude, latitude = transform(CRS, WGS84, x, y)
    return list(longitude), list(latitude)


def sexagesimal(degrees: float, style: int, letters: str) -> str:
    """Return an angle as registers write it; `letters` are those for positive and negative.

    Styles: 0 signed with quotes doubled, 1 letter behind, 2 decimal comma, 3 minutes only,
    4 words between.
    """
    letter = letters[degrees < 0]
    seconds = round(abs(degrees) * 3600.0, 3)
    whole, rest = divmod(seconds, 3600.0)
    minutes, seconds = divmod(rest, 60.0)
    sign = "-" if degrees < 0 else ""
    if style == 0:
        return f"{sign}{whole:.0f}°{minutes:02.0f}'{seconds:06.3f}\""
    if style == 1:
        return f"{whole:.0f}°{minutes:02.0f}'{seconds:05.2f}\"{letter}"
    if style == 2:
        return f"{whole:.0f}° {minutes:02.0f}' {seconds:05.2f}\" {letter}".replace(".", ",")
    if style == 3:
        return f"{whole:.0f}°{minutes + seconds / 60.0:07.4f}'{letter}"
    return f"{whole:.0f} {minutes:02.0f} {seconds:05.2f} {letter}"


def _write_register(
    folder: Path, settings: Settings, mines: list[Mine], entries: list[Entry]
) -> None:
    chance = settings.world.chance
    left, bottom, right, top = settings.grid.bounds
    # Two workings that were filled in long ago: the register has them, the image has not.
    ghosts = [
        (left + (0.1 + 0.8 * a) * (right - left), bottom + (0.1 + 0.8 * b) * (top - bottom))
        for a, b in ((chance.number("ghost x", n), chance.number("ghost y", n)) for n in range(2))
    ]
    x = [entry.x for entry in entries] + [place[0] for place in ghosts]
    y = [entry.y for entry in entries] + [place[1] for place in ghosts]
    longitude, latitude = to_degrees(x, y)
    names = [entry.mine.name for entry in entries] + ["=Old Adit", "@Lower Level"]
    ores = [entry.mine.ore for entry in entries] + ["tin", "gold"]
    heights = [
        f"{4 + 40 * chance.number('height', n):.1f}".replace(".", ",") for n in range(len(x))
    ]
    rows = []
    for number, (name, ore, height) in enumerate(zip(names, ores, heights)):
        style = number % 5
        rows.append(
            [
                number + 1,
                name,
                sexagesimal(latitude[number], style, "NS"),
                sexagesimal(longitude[number], style, "EW"),
                ore,
                height,
                "low" if number % 3 else "high",
            ]
        )
    header = ["ID", "NAME", "LATITUDE", "LONGITUDE", "ORE", "DAM HEIGHT (m)", "RISK"]
    write_table(folder / "register.csv", header, rows)
    listed = {entry.mine.key: entry for entry in entries}
    true_longitude, true_latitude = to_degrees([m.x for m in mines], [m.y for m in mines])
    write_table(
        folder / "truth_register.csv",
        ["mine", "name", "ore", "registered", "misplaced_m", "x", "y", "longitude", "latitude"],
        [
            [
                mine.key,
                mine.name,
                mine.ore,
                int(mine.key in listed),
                round(listed[mine.key].misplaced, 1) if mine.key in listed else "",
                round(mine.x, 1),
                round(mine.y, 1),
                round(longitude, 7),
                round(latitude, 7),
            ]
            for mine, longitude, latitude in zip(mines, true_longitude, true_latitude)
        ],
    )


def _mine_features(
    mines: list[Mine], listed: dict[int, Entry]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for mine in mines:
        shapes = [
            ("pit", mine.pit.ring()),
            ("dump", mine.dump.ring()),
            ("plant", mine.plant.ring()),
        ]
        for tailings in mine.tailings:
            shapes.append(("tailings", tailings.pond.ring()))
            shapes.append(("dam", tailings.dam.ring()))
        for part, ring in shapes:
            fields = {
                "mine": mine.key,
                "name": mine.name,
                "part": part,
                "ore": mine.ore,
                "impact": mine.impact,
                "registered": mine.key in listed,
            }
            yield fields, polygon(ring)


def _concessions(
    settings: Settings, mines: list[Mine], listed: dict[int, Entry]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield a concession around each registered mine, some requests, some without a mine."""
    chance = settings.world.chance
    for mine in mines:
        phase = PHASES[0] if mine.key in listed else PHASES[2]
        if mine.key not in listed and chance.number("requested", mine.key) < 0.5:
            continue
        yield (
            {"phase": phase, "holder": f"Holder {mine.key % 97}", "ore": mine.ore},
            _square(mine.x, mine.y, 900.0 + 500.0 * chance.number("concession", mine.key)),
        )
    left, bottom, right, top = settings.grid.bounds
    for point in chance.lattice("claim", (left, bottom, right, top), 5200.0, 0.5):
        if all(np.hypot(mine.x - point.x, mine.y - point.y) > 2200.0 for mine in mines):
            fields = {"phase": PHASES[1], "holder": f"Holder {point.key % 97}", "ore": "antimony"}
            yield fields, _square(point.x, point.y, 1000.0)


def _reserves(
    settings: Settings, mines: list[Mine], listed: dict[int, Entry]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield a nature reserve, over an unregistered mine if there is one, and a community's land."""
    left, bottom, right, _ = settings.grid.bounds
    side = right - left
    unknown = [mine for mine in mines if mine.key not in listed]
    x, y = (unknown[0].x, unknown[0].y) if unknown else (left + 0.75 * side, bottom + 0.75 * side)
    size = min(0.16 * side, 6000.0)
    ring = [
        (x + size * a, y + size * b)
        for a, b in ((-0.9, -0.6), (0.3, -1.0), (1.0, 0.1), (0.5, 1.0), (-0.7, 0.8), (-0.9, -0.6))
    ]
    yield {"name": "Heron Hills", "kind": "nature reserve"}, polygon(ring)
    yield (
        {"name": "Upper Valley", "kind": "indigenous land"},
        _square(left + 0.2 * side, bottom + 0.15 * side, 0.12 * side),
    )


def _square(x: float, y: float, half: float) -> dict[str, Any]:
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return polygon([(x + half * a, y + half * b) for a, b in corners])
