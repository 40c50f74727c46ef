"""Findings against registers, concessions and protected areas."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio.warp

from gossan.core import geodesy
from gossan.core.coordinates import Axis, CoordinateError, parse_coordinate
from gossan.core.errors import CancelledError, FileError, InputError
from gossan.core.progress import Progress
from gossan.examples.district.district import make_district
from gossan.examples.district.products import Settings
from gossan.models.mines.register_jobs import FIELDS, match_register

UTM = "EPSG:32649"


def write(path, rows, kinds=None):
    """Write GeoJSON from pairs of properties and geometry, as the toolbox does."""
    features = [{"type": "Feature", "properties": p, "geometry": g} for p, g in rows]
    content = {"type": "FeatureCollection", "features": features}
    if kinds:
        content["fields"] = [{"name": name, "type": kind} for name, kind in kinds.items()]
    path.write_text(json.dumps(content))
    return str(path)


def spot(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def box(x, y, half):
    ring = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return {"type": "Polygon", "coordinates": [[(x + half * a, y + half * b) for a, b in ring]]}


def entry(name, geometry, phase="", number="", source="register"):
    return {"name": name, "id": number or name, "phase": phase, "source": source}, geometry


def read(path):
    with open(path, encoding="utf-8") as file:
        return [feature["properties"] for feature in json.load(file)["features"]]


@pytest.fixture
def world(tmp_path):
    """Findings near the equator, where 0.001 degrees are 111 m."""
    kinds = {"finding": "integer", "max_probability": "real", "impact": "text"}
    places = [(0.0, 0.0), (0.0, 0.02), (0.3, 0.0), (0.3, 0.02), (0.0, 0.0008)]
    rows = [
        {"finding": i + 1, "max_probability": 0.9 - 0.1 * i, "impact": "high impact"}
        for i in range(len(places))
    ]
    geometries = [spot(*place) for place in places]
    return SimpleNamespace(
        folder=tmp_path,
        job={
            "findings": write(tmp_path / "findings.geojson", zip(rows, geometries), kinds),
            "places": write(tmp_path / "places.geojson", [({}, g) for g in geometries]),
            "registers": write(
                tmp_path / "registers.geojson",
                [entry("North", spot(0.001, 0.0)), entry("Far", spot(5.0, 5.0))],
            ),
            "output": str(tmp_path / "out.geojson"),
        },
    )


def test_a_finding_is_registered_by_the_nearest_entry_within_the_distance(world):
    result = match_register(Progress(), **world.job, distance=500.0)
    rows = {row["finding"]: row for row in read(world.job["output"])}
    own = ["finding", "max_probability", "impact"]
    assert [name for name in rows[1] if not name.startswith("GOSSAN")] == [*own, *FIELDS]
    assert rows[1]["registered"] == "yes"
    assert rows[1]["register_distance_m"] == pytest.approx(111.3, abs=0.05)
    assert rows[1]["register_name"] == "North"
    assert rows[2]["registered"] == "no"
    assert rows[2]["register_name"] == "North", "the nearest entry is named all the same"
    assert rows[2]["register_distance_m"] > 500.0
    assert (result["registered"], result["unregistered"]) == (2, 3)


def test_an_entry_that_serves_several_findings_says_so(world):
    said = []
    result = match_register(Progress(on_message=said.append), **world.job, distance=500.0)
    rows = {row["finding"]: row for row in read(world.job["output"])}
    assert [rows[n]["register_findings"] for n in (1, 5)] == [2, 2]
    assert rows[2]["register_findings"] is None
    assert result["shared"] == 1
    assert any("more than one finding" in sentence for sentence in said)


def test_entries_beyond_nearby_are_not_named(world):
    match_register(Progress(), **world.job, distance=100.0, nearby=1.0)
    rows = {row["finding"]: row for row in read(world.job["output"])}
    assert rows[2]["register_name"] is None
    assert rows[2]["register_distance_m"] is None


def test_requested_is_not_granted(world):
    claims = [
        entry("Asked", box(0.3, 0.0, 0.005), "requested", source="claims"),
        entry("Held", box(0.3, 0.02, 0.005), "mining licence", source="claims"),
    ]
    world.job["concessions"] = write(world.folder / "claims.geojson", claims)
    match_register(Progress(), **world.job, granted=["Mining  Licence"])
    rows = {row["finding"]: row for row in read(world.job["output"])}
    assert (rows[3]["registered"], rows[3]["phase"]) == ("no", "requested")
    assert (rows[4]["registered"], rows[4]["phase"]) == ("yes", "mining licence")
    assert (rows[4]["register_name"], rows[4]["register_source"]) == ("Held", "claims")
    assert rows[4]["register_distance_m"] == 0.0
    match_register(Progress(), **world.job)
    assert {row["finding"]: row for row in read(world.job["output"])}[3]["registered"] == "yes"


def test_a_phase_that_no_concession_has_is_refused_with_those_there_are(world):
    world.job["concessions"] = write(
        world.folder / "claims.geojson", [entry("Asked", box(0, 0, 1), "requested")]
    )
    with pytest.raises(InputError, match=r"phase licence; the phases are requested"):
        match_register(Progress(), **world.job, granted=["licence"])
    assert not (world.folder / "out.geojson").exists()


def test_protected_areas_are_named_inside_and_by_distance_outside(world):
    reserves = [
        entry("Heron Hills", box(0.3, 0.0, 0.005)),
        entry("Upper Valley", box(0.3, 0.05, 0.02)),
    ]
    world.job["protected"] = write(world.folder / "reserves.geojson", reserves)
    result = match_register(Progress(), **world.job, distance=500.0)
    every = read(world.job["output"])
    rows = {row["finding"]: row for row in every}
    assert (rows[3]["protected"], rows[3]["protected_distance_m"]) == ("Heron Hills", 0.0)
    assert rows[3]["protected_nearby"] == "Upper Valley 3.3 km"
    assert rows[4]["protected"] == ""
    # From 0.02 to 0.03 degrees north near the equator: 1105.7 m by the meridian's length.
    assert rows[4]["protected_distance_m"] == pytest.approx(1105.7, abs=0.2)
    assert [row["finding"] for row in every] == [3, 2, 4, 1, 5], (
        "unregistered ones in protected areas, other unregistered ones, registered ones"
    )
    assert result["unregistered_protected"] == 1


def test_entries_without_a_finding_are_written_with_their_nearest_one(world):
    world.job["ghosts"] = str(world.folder / "ghosts.geojson")
    world.job["registers"] = write(
        world.folder / "registers.geojson",
        [entry("North", spot(0.001, 0.0)), entry("Lost", spot(0.0, 0.1)), entry("Far", spot(9, 9))],
    )
    result = match_register(Progress(), **world.job, distance=500.0)
    rows = {row["name"]: row for row in read(world.job["ghosts"])}
    assert set(rows) == {"Lost", "Far"}
    assert rows["Lost"]["finding"] == "2"
    assert rows["Lost"]["distance_m"] == pytest.approx(8845.9, abs=1.0)
    assert rows["Far"]["distance_m"] is None
    assert result["ghosts"] == 2
    world.job["searched"] = write(world.folder / "area.geojson", [({}, box(0, 0, 1))])
    match_register(Progress(), **world.job, distance=500.0)
    assert [row["name"] for row in read(world.job["ghosts"])] == ["Lost"]


def test_swapped_columns_are_reported_and_not_repaired(world):
    warned = []
    world.job["findings"] = write(world.folder / "f.geojson", [({}, spot(-46.0, -20.0))])
    world.job["places"] = write(world.folder / "p.geojson", [({}, spot(-46.0, -20.0))])
    world.job["registers"] = write(
        world.folder / "r.geojson", [entry("Swapped", spot(-20.0, -46.0))]
    )
    result = match_register(Progress(on_warning=warned.append), **world.job)
    assert result["registered"] == 0
    assert "exchanged" in warned[0]


def test_matching_again_replaces_what_an_earlier_match_said(world):
    match_register(Progress(), **world.job, distance=500.0)
    content = json.loads((world.folder / "out.geojson").read_text())
    content["features"].sort(key=lambda feature: feature["properties"]["finding"])
    (world.folder / "again.geojson").write_text(json.dumps(content))
    world.job["findings"] = str(world.folder / "again.geojson")
    match_register(Progress(), **world.job, distance=0.0)
    rows = read(world.job["output"])
    assert {row["registered"] for row in rows} == {"no"}
    assert all(row["register_findings"] is None for row in rows)


def test_the_model_of_the_findings_stands_on_the_result(world):
    rows = [({"finding": 1, "GOSSAN_MODEL": "ab12"}, spot(0, 0))]
    world.job["findings"] = write(
        world.folder / "f.geojson", rows, {"finding": "integer", "GOSSAN_MODEL": "text"}
    )
    world.job["places"] = write(world.folder / "p.geojson", rows)
    match_register(Progress(), **world.job, origin={"algorithm": "gossan:matchregister"})
    (row,) = read(world.job["output"])
    assert (row["GOSSAN_MODEL"], row["GOSSAN_ALGORITHM"]) == ("ab12", "gossan:matchregister")


def test_no_findings_and_no_entries_are_no_error(world):
    world.job.update(
        findings=write(world.folder / "f.geojson", [], {"finding": "integer"}),
        places=write(world.folder / "p.geojson", []),
        report=str(world.folder / "report.html"),
        ghosts=str(world.folder / "ghosts.geojson"),
    )
    result = match_register(Progress(), **world.job)
    assert (result["findings"], result["ghosts"]) == (0, 2)
    assert "0 findings" in (world.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ({"distance": -1.0}, InputError, "-1 m"),
        ({"nearby": 5000.0}, InputError, "5000 km"),
        ({"registers": "/nowhere/r.geojson"}, FileError, "nowhere/r.geojson cannot be read"),
    ],
)
def test_bad_input_gets_a_clear_sentence_and_leaves_nothing(world, change, error, why):
    with pytest.raises(error, match=why):
        match_register(Progress(), **{**world.job, **change})
    assert not (world.folder / "out.geojson").exists()


def test_a_broken_file_is_named(world):
    (world.folder / "registers.geojson").write_text('{"features": [')
    with pytest.raises(InputError, match=r"registers\.geojson is not GeoJSON"):
        match_register(Progress(), **world.job)


def test_cancelled_it_leaves_nothing(world):
    with pytest.raises(CancelledError):
        match_register(Progress(cancelled=lambda: True), **world.job)
    assert not (world.folder / "out.geojson").exists()


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    folder = tmp_path_factory.mktemp("district")
    make_district(folder, Settings(seed=11, size=1400), only=["registers"])
    return folder


def to_degrees(geometry):
    return rasterio.warp.transform_geom(UTM, "EPSG:4326", geometry)


def test_the_registers_of_a_district_are_matched_as_its_truth_says(district, tmp_path):
    with open(district / "truth_register.csv", encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    assert len(truth) >= 20
    places = [spot(float(row["longitude"]), float(row["latitude"])) for row in truth]
    rows = [{"finding": i} for i in range(len(truth))]
    with open(district / "register.csv", encoding="utf-8", newline="") as file:
        listed = [
            entry(
                row["NAME"],
                spot(
                    parse_coordinate(row["LONGITUDE"], Axis.LONGITUDE),
                    parse_coordinate(row["LATITUDE"], Axis.LATITUDE),
                ),
            )
            for row in csv.DictReader(file)
        ]

    def layer(name, texts):
        features = json.loads((district / name).read_text())["features"]
        return [
            (
                {key: feature["properties"].get(field, "") for key, field in texts.items()},
                to_degrees(feature["geometry"]),
            )
            for feature in features
        ]

    claims = layer("concessions.geojson", {"name": "holder", "phase": "phase"})
    reserves = layer("protected_areas.geojson", {"name": "name"})
    result = match_register(
        Progress(),
        findings=write(
            tmp_path / "f.geojson",
            [(row, spot(float(t["x"]), float(t["y"]))) for row, t in zip(rows, truth)],
            {"finding": "integer"},
        ),
        places=write(tmp_path / "p.geojson", zip(rows, places)),
        registers=write(tmp_path / "r.geojson", listed),
        concessions=write(tmp_path / "c.geojson", claims),
        protected=write(tmp_path / "a.geojson", reserves),
        granted=["mining licence"],
        distance=200.0,
        output=str(tmp_path / "out.geojson"),
        ghosts=str(tmp_path / "ghosts.geojson"),
    )
    found = {row["finding"]: row for row in read(tmp_path / "out.geojson")}
    for number, mine in enumerate(truth):
        # A registered mine has its concession granted, wherever its entry was misplaced to.
        assert found[number]["registered"] == ("yes" if mine["registered"] == "1" else "no")
        if mine["registered"] == "1" and float(mine["misplaced_m"]) < 100.0:
            assert found[number]["register_name"] == mine["name"]
            assert found[number]["register_distance_m"] == pytest.approx(
                float(mine["misplaced_m"]), abs=0.8
            ), "grid and ellipsoid differ by their scale, and the register by its seconds"
    first = read(tmp_path / "out.geojson")[0]
    assert (first["registered"], first["protected"]) == ("no", "Heron Hills")
    astray = sum(row["registered"] == "1" and float(row["misplaced_m"]) > 300 for row in truth)
    assert result["ghosts"] == astray + 2, "misplaced entries and two workings long filled in"


def test_the_real_registry_is_matched_with_its_corrected_positions(shared_data, tmp_path):
    """769 registered dams against the positions that were corrected by hand on images."""
    folder = shared_data / "mines" / "brazildam_registry"

    def dams(name, column):
        with open(folder / name, encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file, delimiter="\t"), start=1):
                try:
                    place = (
                        parse_coordinate(row["LONGITUDE"], Axis.LONGITUDE),
                        parse_coordinate(row["LATITUDE"], Axis.LATITUDE),
                    )
                except CoordinateError:
                    continue
                yield row.get(column) or str(number), place

    register = list(dams("registered_dams_2019.tsv", "ID_BARRAGEM"))
    corrected = list(dams("barragem_fix_locations_2019.tsv", ""))
    assert (len(register), len(corrected)) == (768, 769)
    found = [({"finding": int(number)}, spot(*place)) for number, place in corrected]
    result = match_register(
        Progress(),
        findings=write(tmp_path / "f.geojson", found, {"finding": "integer"}),
        places=write(tmp_path / "p.geojson", found),
        registers=write(
            tmp_path / "r.geojson", [entry(n, spot(*place), number=n) for n, place in register]
        ),
        output=str(tmp_path / "out.geojson"),
    )
    rows = {row["finding"]: row for row in read(tmp_path / "out.geojson")}
    a = np.array([place for _, place in corrected])
    b = np.array([place for _, place in register])
    x, y = np.repeat(a, len(b), axis=0), np.tile(b, (len(a), 1))
    truth = geodesy.distance(*x.T, *y.T).reshape(len(a), len(b)).min(axis=1)
    for (number, _), metres in zip(corrected, truth):
        row = rows[int(number)]
        assert (row["registered"] == "yes") == (metres <= 1000.0)
        if metres <= 50_000.0:
            assert row["register_distance_m"] == pytest.approx(metres, abs=0.051)
    assert result["registered"] == int((truth <= 1000.0).sum())
    assert (result["registered"], result["unregistered"], result["ghosts"]) == (761, 8, 7)
