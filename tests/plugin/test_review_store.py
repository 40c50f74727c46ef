"""Decisions get into the GeoPackage at once, stay there whatever happens, and can be taken back."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

import findings as made
from qgis.core import QgsFeature, QgsGeometry, QgsPointXY, QgsProject, QgsVectorLayer

from gossan.core.errors import FileError, InputError
from gossan.core.review.decisions import DecisionLog
from gossan.plugin.docks.mines import review_files, review_layer, review_store
from gossan.plugin.docks.mines.review_store import ReviewStore

pytestmark = pytest.mark.usefixtures("qgis_application")


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "found.gpkg"


@pytest.fixture
def store(path) -> ReviewStore:
    return ReviewStore(made.in_geopackage(path, 5), "max_probability")


def rows(path: Path, table: str) -> list[dict]:
    """What another program reads, apart from QGIS."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{table}"')]
    finally:
        connection.close()


def states(path: Path, table: str = "findings") -> dict[int, str | None]:
    return {row["finding"]: row["decision"] for row in rows(path, table)}


def test_a_decision_is_in_the_file_when_the_call_returns(store, path):
    store.decide(2, "false", "Ana", reason="cloud", comment="shadow = 1; 'x'", queue="random 7")
    (row,) = rows(path, "findings_decisions")
    assert (row["finding"], row["finding_fid"], row["action"]) == (2, 2, "decide")
    assert (row["decision"], row["reason"], row["reviewer"]) == ("false", "cloud", "Ana")
    assert (row["comment"], row["queue"]) == ("shadow = 1; 'x'", "random 7")
    assert row["model"] == made.DETECTOR
    found = next(each for each in rows(path, "findings") if each["finding"] == 2)
    assert (found["decision"], found["reason"], found["comment"], found["reviewer"]) == (
        *("false", "cloud", "shadow = 1; 'x'", "Ana"),
    )
    assert found["reviewed_at"] == row["time"]
    assert found["model"] == made.DETECTOR


def test_a_layer_whose_source_names_no_table_is_reviewed_too(path):
    # In such a layer QGIS holds the file open as it was before the table of decisions was made.
    options = made.QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = "GPKG"
    made.QgsVectorFileWriter.writeAsVectorFormatV3(
        made.in_memory(3), str(path), made.QgsCoordinateTransformContext(), options
    )
    store = ReviewStore(QgsVectorLayer(str(path), "Findings", "ogr"))
    store.decide(2, "mine", "Ana")
    assert states(path, "found") == {1: None, 2: "mine", 3: None}
    assert len(rows(path, "found_decisions")) == 1
    again = ReviewStore(QgsVectorLayer(str(path), "Findings", "ogr"))
    assert again.log.state(2).decision == "mine"


def test_undo_adds_a_row_and_restores_what_stood_before(store, path):
    store.decide(1, "mine", "Ana")
    before = rows(path, "findings")
    store.decide(1, "false", "Ana", reason="river bank")
    assert store.undo("Ana").decision == "false"
    assert rows(path, "findings") == before
    assert [row["action"] for row in rows(path, "findings_decisions")] == [
        *("decide", "decide", "withdraw"),
    ]
    store.undo("Ana")
    assert store.undo("Ana") is None
    assert set(states(path).values()) == {None}


def test_the_table_replayed_gives_the_state(store, path):
    for finding, decided, who in ((1, "mine", "Ana"), (1, "dam", "Bo"), (3, "unsure", "Ana")):
        store.decide(finding, decided, who)
    store.undo("Bo")
    log = DecisionLog(store.table.newer(0))
    assert {f: log.state(f).decision for f in log.findings() if log.state(f)} == {
        finding: decided for finding, decided in states(path).items() if decided
    }


CRASH = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from qgis.core import QgsApplication
application = QgsApplication([], False)
application.initQgis()
import findings
from gossan.plugin.docks.mines.review_store import ReviewStore
store = ReviewStore(findings.opened({path!r}))
store.decide(1, "mine", "Ana")
store.decide(2, "false", "Ana", reason="cloud")
{last}
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash(path: Path, last: str) -> None:
    program = CRASH.format(path=str(path), tests=str(Path(__file__).parent), last=last)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_qgis_loses_no_decision(path):
    made.in_geopackage(path, 4)
    crash(path, "")
    assert states(path) == {1: "mine", 2: "false", 3: None, 4: None}
    assert len(rows(path, "findings_decisions")) == 2


def test_what_a_crash_left_half_written_is_put_right_by_the_table(path):
    made.in_geopackage(path, 4)
    crash(path, "store._write_state = lambda finding: None\nstore.decide(3, 'dam', 'Ana')")
    assert states(path)[3] is None
    store = ReviewStore(made.opened(path))
    assert store.opening.put_right == 1
    assert states(path) == {1: "mine", 2: "false", 3: "dam", 4: None}


def test_a_crash_between_the_two_halves_of_a_move_is_put_right(path):
    made.in_geopackage(path, 2)
    moving = (
        "from qgis.core import QgsGeometry\n"
        "moved = store.findings.feature(2).geometry()\n"
        "moved.translate(500.125, -3)\n"
        "store.findings.write_geometry = lambda *_: None\n"
        "store.move(2, moved, 'Ana')"
    )
    before = made.opened(path).getFeature(2).geometry()
    crash(path, moving)
    ReviewStore(made.opened(path))
    before.translate(500.125, -3)
    assert made.opened(path).getFeature(2).geometry().equals(before)


def test_a_move_is_written_down_and_undone_to_the_last_digit(store, path):
    old = store.findings.feature(2).geometry()
    new = QgsGeometry(old)
    new.translate(1 / 3, 2 / 7)
    store.move(2, new, "Ana")
    assert made.opened(path).getFeature(2).geometry().asWkb() == new.asWkb()
    assert store.findings.places[2].centre == new.boundingBox().center()
    store.undo("Ana")
    assert made.opened(path).getFeature(2).geometry().asWkb() == old.asWkb()
    row = rows(path, "findings_decisions")[0]
    assert QgsGeometry.fromWkt(row["new_place"]).asWkb() == new.asWkb()


def test_a_move_is_not_undone_over_somebody_elses(store, path):
    new = store.findings.feature(2).geometry()
    new.translate(10, 0)
    store.move(2, new, "Ana")
    new.translate(10, 0)
    assert made.opened(path).dataProvider().changeGeometryValues({2: new})
    with pytest.raises(InputError, match="somebody has moved or changed it again"):
        store.undo("Ana")


def test_an_entry_of_a_register_is_moved_and_put_back(store, tmp_path):
    register = made.in_geopackage(tmp_path / "register.gpkg", 3, points=True)
    QgsProject.instance().addMapLayer(register)
    try:
        old = register.getFeature(2).geometry()
        new = QgsGeometry.fromPointXY(QgsPointXY(600_000, 7_600_000))
        store.move_entry(register, 2, new, 1, "Ana")
        assert made.opened(tmp_path / "register.gpkg").getFeature(2).geometry().equals(new)
        assert store.log.undoable("Ana").layer == register.source()
        store.undo("Ana")
        assert made.opened(tmp_path / "register.gpkg").getFeature(2).geometry().equals(old)
        store.move_entry(register, 2, new, 1, "Ana")
    finally:
        QgsProject.instance().removeAllMapLayers()
    with pytest.raises(InputError, match="Load that layer"):
        store.undo("Ana")


def test_two_programs_review_the_same_layer(store, path):
    other = ReviewStore(made.opened(path))
    store.decide(1, "mine", "Ana")
    other.decide(1, "false", "Bo")
    store.decide(2, "dam", "Ana")
    other.take_changed()
    other.refresh()
    assert other.take_changed() == {2}
    for each in (store, other):
        assert {who: e.decision for who, e in each.log.opinions(1).items()} == {
            "Ana": "mine",
            "Bo": "false",
        }
        assert each.log.state(2).decision == "dam"
    other.undo("Bo")
    store.take_changed()
    store.refresh()
    assert store.take_changed() == {1}
    assert states(path)[1] == "mine"


BESIDE = """
import sys
sys.path.insert(0, {tests!r})
from qgis.core import QgsApplication
application = QgsApplication([], False)
application.initQgis()
import findings
from gossan.plugin.docks.mines.review_store import ReviewStore
store = ReviewStore(findings.opened({path!r}))
print("ready", flush=True)
for finding in range(1, 11):
    store.decide(finding, "false", "Bo")
"""


def test_two_processes_write_at_the_same_time(path):
    store = ReviewStore(made.in_geopackage(path, 10))
    program = BESIDE.format(path=str(path), tests=str(Path(__file__).parent))
    beside = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert beside.stdout.readline() == "ready\n"
    for finding in range(1, 11):
        store.decide(finding, "mine", "Ana")
    _, said = beside.communicate(timeout=60)
    assert beside.returncode == 0, said
    store.refresh()
    assert {who: store.log.counts(who).total() for who in ("Ana", "Bo")} == {"Ana": 10, "Bo": 10}
    # Whose state of the same finding was written last is chance; the table puts it right.
    again = ReviewStore(made.opened(path))
    assert states(path) == {finding: again.log.state(finding).decision for finding in range(1, 11)}


def test_decisions_that_a_layer_brings_with_it_are_taken_over(path):
    layer = made.in_geopackage(path, 5, fields=(*made.FIELDS, "decision:string", "reason:string"))
    layer.dataProvider().changeAttributeValues(
        {1: {layer.fields().lookupField("decision"): "Mine"},
         2: {layer.fields().lookupField("decision"): "false",
             layer.fields().lookupField("reason"): "pond"},
         3: {layer.fields().lookupField("decision"): "perhaps"}}
    )  # fmt: skip
    store = ReviewStore(layer)
    assert store.opening.taken_over == 2
    assert store.opening.unknown == ["perhaps"]
    assert store.log.state(2).reason == "pond"
    assert store.log.state(1).reviewer == review_store.EARLIER
    assert ReviewStore(made.opened(path)).opening.taken_over == 0
    assert states(path)[1] == "mine"
    assert states(path)[3] == "perhaps"


def test_entries_about_another_search_are_left_alone(store, path):
    store.decide(1, "mine", "Ana")
    made.in_geopackage(path, 5, detector="ffffffffffff")
    again = ReviewStore(made.opened(path))
    assert again.opening.foreign == 1
    assert again.log.state(1) is None
    assert states(path)[1] is None
    assert len(rows(path, "findings_decisions")) == 1


def test_layers_of_others_need_no_field_of_ours(path):
    layer = made.in_geopackage(path, 3, points=True, fields=("name:string", "Score:double"))
    assert review_layer.likely_probability_field(layer) == "Score"
    changes = {fid: {layer.fields().lookupField("Score"): fid / 4} for fid in (1, 2)}
    layer.dataProvider().changeAttributeValues(changes)
    store = ReviewStore(layer, "Score")
    assert [store.findings.items[fid].probability for fid in (1, 2, 3)] == [0.25, 0.5, None]
    store.decide(3, "mine", "Ana")
    assert ReviewStore(made.opened(path)).log.state(3).decision == "mine"


def test_findings_that_share_a_number_are_known_by_their_row(path):
    layer = made.in_geopackage(path, 3)
    layer.dataProvider().changeAttributeValues({2: {layer.fields().lookupField("finding"): 1}})
    store = ReviewStore(layer)
    assert sorted(store.findings.items) == [1, 2, 3]
    assert not store.findings.is_numbered


def test_a_finding_that_was_deleted_is_not_judged(store, path):
    assert made.opened(path).dataProvider().deleteFeatures([2])
    with pytest.raises(InputError, match="Finding 2 is no longer in Findings"):
        store.decide(2, "mine", "Ana")
    assert rows(path, "findings_decisions") == []


def test_findings_without_a_place_are_not_shown(path):
    layer = made.in_geopackage(path, 3)
    feature = QgsFeature(layer.fields())
    feature.setAttribute("finding", 9)
    assert layer.dataProvider().addFeatures([feature])[0]
    assert sorted(ReviewStore(layer).findings.items) == [1, 2, 3]


@pytest.mark.parametrize("ending", ["memory", "shp", "geojson"])
def test_other_kinds_of_layers_are_copied_first(ending, tmp_path, path):
    layer = made.in_memory(3)
    if ending != "memory":
        other = tmp_path / f"found.{ending}"
        driver = {"shp": "ESRI Shapefile", "geojson": "GeoJSON"}[ending]
        options = made.QgsVectorFileWriter.SaveVectorOptions()
        options.driverName = driver
        made.QgsVectorFileWriter.writeAsVectorFormatV3(
            layer, str(other), made.QgsCoordinateTransformContext(), options
        )
        layer = QgsVectorLayer(str(other), "Findings", "ogr")
    assert "is not in a GeoPackage" in review_layer.why_not(layer)
    assert review_layer.needs_copy(layer)
    with pytest.raises(InputError, match="is not in a GeoPackage"):
        ReviewStore(layer)
    copy = review_files.save_copy(layer, str(path))
    assert review_layer.why_not(copy) == ""
    store = ReviewStore(copy, "max_probab" if ending == "shp" else "max_probability")
    store.decide(3, "mine", "Ana")
    assert states(path) == {1: None, 2: None, 3: "mine"}
    assert store.findings.items[3].probability == pytest.approx(0.6)


def test_a_file_that_cannot_be_written_is_named(path, tmp_path):
    made.in_geopackage(path, 3)
    shutil.make_archive(str(tmp_path / "found"), "zip", tmp_path, "found.gpkg")
    layer = QgsVectorLayer(f"/vsizip/{tmp_path / 'found.zip'}/found.gpkg", "Findings", "ogr")
    assert "cannot be written to" in review_layer.why_not(layer)
    assert review_layer.needs_copy(layer)


def test_a_layer_that_is_being_edited_is_left_alone(store, path):
    store.layer.startEditing()
    with pytest.raises(InputError, match="Findings is being edited"):
        store.decide(1, "mine", "Ana")
    store.layer.rollBack()
    store.decide(1, "mine", "Ana")
    assert states(path)[1] == "mine"


def test_a_field_of_another_type_is_named(path):
    layer = made.in_geopackage(path, 3, fields=(*made.FIELDS, "Decision:integer"))
    with pytest.raises(InputError, match="field Decision of Findings does not hold text"):
        ReviewStore(layer)


def test_a_table_of_the_name_that_holds_something_else_is_named(path):
    layer = made.in_geopackage(path, 3)
    made.in_geopackage(path, 1, table="findings_decisions")
    with pytest.raises(FileError, match="not one of decisions: it lacks action"):
        ReviewStore(layer)


def test_a_layer_without_lines_or_file_is_refused(tmp_path):
    lines = QgsVectorLayer("LineString?crs=EPSG:4326", "Roads", "memory")
    assert "neither points nor polygons" in review_layer.why_not(lines)
    gone = QgsVectorLayer(str(tmp_path / "gone.gpkg"), "Gone", "ogr")
    assert review_layer.why_not(gone) == "The file of Gone is missing."


def test_the_file_itself_holds_everything_once_it_is_handed_over(store, path, tmp_path):
    store.decide(1, "mine", "Ana")
    assert Path(f"{path}-wal").stat().st_size > 0
    review_files.hand_over(store.layer)
    alone = tmp_path / "alone.gpkg"
    shutil.copy(path, alone)
    assert states(alone)[1] == "mine"
    assert len(rows(alone, "findings_decisions")) == 1
    store.decide(2, "dam", "Ana")
    assert states(path)[2] == "dam"
    review_files.hand_over(made.in_memory(1))


def test_the_name_of_the_table_may_be_odd(tmp_path):
    odd = tmp_path / "Übersicht & Co.gpkg"
    store = ReviewStore(made.in_geopackage(odd, 2, table='Fünde "Süd" 1'))
    store.decide(2, "dam", "Zoë Ø.")
    assert states(odd, 'Fünde ""Süd"" 1')[2] == "dam"
