from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
import zipfile
from functools import partial

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeRegressor

from gossan.core import bundle as bundle_module
from gossan.core import estimators as estimators_module
from gossan.core.bands import Band
from gossan.core.bundle import (
    Card,
    ClassLabel,
    Target,
    Training,
    fingerprint_of,
    read_bundle,
    write_bundle,
)
from gossan.core.errors import BundleError, FileError
from gossan.core.origin import Origin

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(53, 6))
Y = X @ RANDOM.normal(size=6) + RANDOM.normal(size=53)
CLASSES = (Y > 0).astype(int) + (Y > 1)

CARD = Card(
    kind="metals",
    architecture={"name": "forest", "trees": 500},
    bands=(Band(0, "B4", 664.6, 31.0), Band(1, "slope")),
    scaling={"mean": [0.1, 12.0]},
    ground_sampling_distance=30.0,
    patch=27,
    stride=9,
    halo=4,
    classes=(ClassLabel(1, "tailings", "#cc3300"), ClassLabel(2, "dam")),
    targets=(Target("Cd", "mg/kg"),),
    training=Training("53 soils", "spatial blocks", 53, {"Cd": {"R2": 0.8}}),
    versions={"numpy": "2.4"},
    licence="CC0-1.0",
    origin=Origin("gossan:trainmetalinversion", "0.1.0", {"SEED": 1}),
)
ARRAYS = {"feature": np.arange(6, dtype=np.int16), "value": RANDOM.normal(size=(3, 4))}


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "cd.gossan"
    write_bundle(path, CARD, arrays=ARRAYS, estimators={"Cd": LinearRegression().fit(X, Y)})
    return path


def members(path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def forge(path, parts):
    """Write a ZIP of (name, content) pairs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return path


def test_a_model_comes_back_as_it_was_stored(model):
    opened = read_bundle(model, kind="metals")
    assert opened.card == CARD
    assert opened.fingerprint == hashlib.sha256(model.read_bytes()).hexdigest()
    assert opened.fingerprint == fingerprint_of(model)
    arrays = opened.arrays()
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
    np.testing.assert_array_equal(
        opened.estimators()["Cd"].predict(X), LinearRegression().fit(X, Y).predict(X)
    )


def test_parts_that_a_model_lacks_are_empty(tmp_path):
    write_bundle(tmp_path / "a.gossan", CARD, arrays=ARRAYS)
    assert read_bundle(tmp_path / "a.gossan").estimators() == {}
    write_bundle(tmp_path / "b.gossan", CARD, estimators={"x": Ridge().fit(X, Y)})
    assert read_bundle(tmp_path / "b.gossan").arrays() == {}


ESTIMATORS = {
    "forest": RandomForestRegressor(8, random_state=0),
    "forest of classes": RandomForestClassifier(8, random_state=0),
    "tree": DecisionTreeRegressor(random_state=0),
    "boosting": GradientBoostingRegressor(n_estimators=5, random_state=0),
    "boosting of classes": GradientBoostingClassifier(n_estimators=3, random_state=0),
    "partial least squares": PLSRegression(3),
    "support vectors": make_pipeline(StandardScaler(), SVR()),
    "support vectors of classes": SVC(),
    "components": make_pipeline(StandardScaler(), PCA(3), Ridge()),
    "logistic": LogisticRegression(),
    "clusters": KMeans(3, random_state=0, n_init=2),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_trusted_estimators_predict_the_same_after_storing(tmp_path, name):
    target = CLASSES if "classes" in name or name == "logistic" else Y
    fitted = ESTIMATORS[name].fit(X, target)
    write_bundle(tmp_path / "m.gossan", CARD, estimators={name: fitted})
    again = read_bundle(tmp_path / "m.gossan").estimators()[name]
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_the_same_model_gives_the_same_fingerprint(tmp_path):
    prints = set()
    for copy in range(3):
        estimators = {
            "Cd": make_pipeline(StandardScaler(), SVR()).fit(X, Y),
            "Pb": RandomForestRegressor(5, random_state=1).fit(X, Y),
        }
        arrays = {name: array.copy() for name, array in ARRAYS.items()}
        prints.add(
            write_bundle(tmp_path / f"{copy}.gossan", CARD, arrays=arrays, estimators=estimators)
        )
    assert len(prints) == 1


def test_another_model_gives_another_fingerprint(tmp_path):
    first = write_bundle(tmp_path / "1.gossan", CARD, arrays={"w": np.zeros(3)})
    second = write_bundle(tmp_path / "2.gossan", CARD, arrays={"w": np.ones(3)})
    assert first != second


def test_undefined_scores_and_numpy_numbers_are_stored_as_json(tmp_path):
    card = Card(
        "metals",
        bands=(Band(0, "b", np.float32(500), np.float64(10)),),
        training=Training(scores={"Pb": {"R2": np.float64("nan"), "n": np.int64(3)}}),
    )
    write_bundle(tmp_path / "m.gossan", card, arrays=ARRAYS)
    opened = read_bundle(tmp_path / "m.gossan").card
    assert opened.training.scores == {"Pb": {"R2": None, "n": 3}}
    assert opened.bands == (Band(0, "b", 500.0, 10.0),)


def test_a_model_for_another_task_is_refused(model):
    with pytest.raises(BundleError, match=r"'metals'.*'lithology'"):
        read_bundle(model, kind="lithology")


def test_a_card_alone_is_no_model(tmp_path):
    with pytest.raises(BundleError, match="arrays or estimators"):
        write_bundle(tmp_path / "m.gossan", CARD)


def test_arrays_of_objects_are_not_stored(tmp_path):
    with pytest.raises(BundleError, match="'w'"):
        write_bundle(tmp_path / "m.gossan", CARD, arrays={"w": np.array([{}])})


def test_foreign_estimators_are_not_stored(tmp_path):
    with pytest.raises(BundleError, match="may hold"):
        write_bundle(
            tmp_path / "m.gossan", CARD, estimators={"f": FunctionTransformer(np.log1p).fit(X)}
        )
    assert not (tmp_path / "m.gossan").exists()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"none\.gossan does not exist"):
        read_bundle(tmp_path / "none.gossan")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        read_bundle(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(model, share):
    content = model.read_bytes()
    model.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(BundleError, match=r"cd\.gossan.*damaged"):
        read_bundle(model)


def test_every_flipped_byte_is_noticed_or_harmless(model):
    content = model.read_bytes()
    for position in range(0, len(content), max(len(content) // 150, 1)):
        damaged = bytearray(content)
        damaged[position] ^= 0x41
        model.write_bytes(bytes(damaged))
        try:
            opened = read_bundle(model)
        except BundleError:
            continue
        # Times and attributes of members carry no content, but they change the fingerprint.
        assert opened.card == CARD
        assert opened.fingerprint != hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("content", [b"no zip at all", b"", b"PK\x03\x04" + bytes(60)])
def test_files_of_another_kind_are_refused(tmp_path, content):
    path = tmp_path / "m.gossan"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="not a model file"):
        read_bundle(path)


@pytest.mark.parametrize(
    "name", ["../card.json", "/etc/passwd", "weights.pkl", "a/../../b", "code.py", "C:\\x", "card"]
)
def test_foreign_members_and_paths_are_refused(model, name):
    parts = [*members(model).items(), (name, b"x")]
    with pytest.raises(BundleError, match="not a model of Gossan: it holds"):
        read_bundle(forge(model, parts))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members_are_refused(model):
    parts = list(members(model).items())
    with pytest.raises(BundleError, match="same part twice"):
        read_bundle(forge(model, [*parts, parts[0]]))


def test_a_model_without_a_card_is_refused(model):
    parts = [(name, content) for name, content in members(model).items() if name != "card.json"]
    with pytest.raises(BundleError, match=r"no card\.json"):
        read_bundle(forge(model, parts))


def test_a_card_without_weights_is_refused(model):
    with pytest.raises(BundleError, match="no weights"):
        read_bundle(forge(model, [("card.json", members(model)["card.json"])]))


def test_members_that_unpack_to_too_much_are_refused_unread(model, monkeypatch):
    monkeypatch.setitem(bundle_module.MAXIMUM_BYTES, "weights.safetensors", 1 << 20)
    parts = {**members(model), "weights.safetensors": bytes(3 << 20)}
    forge(model, parts.items())
    assert model.stat().st_size < 100_000
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("must not unpack anything"))
    with pytest.raises(BundleError, match="unpacks to 3 MB, more than 1 MB"):
        read_bundle(model)


def test_a_size_that_lies_is_noticed(model):
    big = bytes(3 << 20)
    forge(model, {**members(model), "weights.safetensors": big}.items())
    content = bytearray(model.read_bytes())
    real, lie = struct.pack("<L", len(big)), struct.pack("<L", 1000)
    assert content.count(real) >= 2
    model.write_bytes(bytes(content.replace(real, lie)))
    with pytest.raises(BundleError, match="damaged"):
        read_bundle(model)


def test_a_model_too_large_to_read_is_refused_on_writing(tmp_path, monkeypatch):
    monkeypatch.setitem(bundle_module.MAXIMUM_BYTES, "weights.safetensors", 1000)
    with pytest.raises(BundleError, match="may hold"):
        write_bundle(tmp_path / "m.gossan", CARD, arrays={"w": np.zeros(1000)})
    assert not (tmp_path / "m.gossan").exists()


def test_a_file_larger_than_any_model_is_refused(model, monkeypatch):
    monkeypatch.setattr(bundle_module, "MAXIMUM_BYTES", {"card.json": 50})
    with pytest.raises(BundleError, match="larger than a model file"):
        read_bundle(model)


@pytest.mark.parametrize(
    "weights",
    [
        b"",
        b"\xff" * 8 + b"{}",
        struct.pack("<Q", 1 << 40) + b"{}",
        struct.pack("<Q", 2) + b"{}" + b"rest",
        pickle.dumps({"w": [1, 2]}),
        struct.pack("<Q", 62)
        + b'{"w":{"dtype":"F32","shape":[9999999],"data_offsets":[0,4]}}  '
        + bytes(4),
    ],
)
def test_damaged_weights_are_refused(model, weights):
    forge(model, {**members(model), "weights.safetensors": weights}.items())
    with pytest.raises(BundleError, match=r"weights in .*cd\.gossan are damaged"):
        read_bundle(model).arrays()


class Bomb:
    """Would leave a trace if anything unpickled it."""

    def __reduce__(self):
        return (partial(pytest.fail, "code was run"), ())


def with_estimators(model, content):
    return read_bundle(forge(model, {**members(model), "estimators.skops": content}.items()))


def test_a_pickle_instead_of_estimators_is_refused_and_not_run(model):
    with pytest.raises(BundleError, match="damaged"):
        with_estimators(model, pickle.dumps(Bomb())).estimators()


def skops_with(changes, *, keep=True) -> bytes:
    """Return stored estimators with members replaced or added."""
    with zipfile.ZipFile(io.BytesIO(estimators_module.dumps({"m": Ridge().fit(X, Y)}))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()} if keep else {}
    stream = io.BytesIO()
    forge(stream, {**parts, **changes}.items())
    return stream.getvalue()


@pytest.mark.parametrize("name", ["1.pkl", "../1.npy", "a/1.npy", "x.bin", "..npy"])
def test_foreign_members_of_the_estimators_are_refused(model, name):
    with pytest.raises(BundleError, match="refused"):
        with_estimators(model, skops_with({name: b"x"})).estimators()


def test_pickled_arrays_inside_the_estimators_are_refused_and_not_run(model):
    stream = io.BytesIO()
    np.save(stream, np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match="damaged"):
        with_estimators(model, skops_with({"1.npy": stream.getvalue()})).estimators()


class Foreign(BaseEstimator):
    def fit(self, X, y=None):
        return self


FOREIGN = {
    "own class": Foreign(),
    "function": FunctionTransformer(np.log1p).fit(X),
    "partial": partial(print, "x"),
    "method": X.sum,
    "type": json.JSONEncoder,
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_types_are_refused(model, name):
    content = skops.io.dumps({"m": FOREIGN[name]})
    with pytest.raises(BundleError, match=r"cd\.gossan (holds the type|is refused)"):
        with_estimators(model, content).estimators()


@pytest.mark.parametrize(
    "node",
    [
        {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": {}},
        {"__class__": "dict", "__module__": "builtins", "__loader__": "ObjectNode", "content": {}},
        {"__class__": "Popen", "__module__": "subprocess", "__loader__": "ObjectNode"},
        {"__class__": "str", "__module__": "builtins", "__loader__": "OperatorFuncNode"},
        {"__loader__": "JsonNode", "content": "1"},
        {"__class__": ["dict"], "__module__": "builtins", "__loader__": "DictNode"},
        [],
        "text",
        None,
    ],
)
def test_forged_descriptions_of_estimators_are_refused(model, node):
    schema = node
    if isinstance(node, dict):
        schema = {**node, "protocol": 2, "_skops_version": "0.16.0", "__id__": 1}
    content = skops_with({"schema.json": json.dumps(schema)}, keep=False)
    with pytest.raises(BundleError):
        with_estimators(model, content).estimators()


def test_deeply_nested_descriptions_are_refused(model):
    content = skops_with({"schema.json": "[" * 200_000 + "]" * 200_000}, keep=False)
    with pytest.raises(BundleError, match="damaged"):
        with_estimators(model, content).estimators()


def test_estimators_that_unpack_to_too_much_are_refused(model, monkeypatch):
    monkeypatch.setattr(estimators_module, "MAXIMUM_UNPACKED_BYTES", 1 << 20)
    with pytest.raises(BundleError, match="unpack to more than 1 MB"):
        with_estimators(model, skops_with({"99.npy": bytes(2 << 20)})).estimators()


def test_estimators_without_names_are_refused(model):
    with pytest.raises(BundleError, match="no names"):
        with_estimators(model, skops.io.dumps([Ridge().fit(X, Y)])).estimators()


@pytest.mark.parametrize(
    ("field", "value"), [("left_child", 10**6), ("left_child", 0), ("feature", 99), ("feature", -7)]
)
@pytest.mark.parametrize("wrap", [False, True])
def test_trees_that_lead_outside_of_themselves_are_refused(model, field, value, wrap):
    estimator = DecisionTreeRegressor(random_state=0).fit(X, Y)
    content = estimators_module.dumps(
        {"m": make_pipeline(StandardScaler(), estimator) if wrap else estimator}
    )
    stream = io.BytesIO()
    changed = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(stream, "w") as forged:
        for name in archive.namelist():
            part = archive.read(name)
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(part), allow_pickle=False)
                if array.dtype.names and field in array.dtype.names:
                    array[field][0] = value
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    part, changed = buffer.getvalue(), changed + 1
            forged.writestr(name, part)
    assert changed == 1
    with pytest.raises(BundleError, match="lead outside"):
        with_estimators(model, stream.getvalue()).estimators()


def card_values() -> dict:
    return json.loads(CARD.to_json())


def test_the_card_says_the_units_in_its_entries():
    values = card_values()
    assert values["bands"][0] == {"name": "B4", "wavelength_nm": 664.6, "fwhm_nm": 31.0}
    assert values["ground_sampling_distance_m"] == 30.0


@pytest.mark.parametrize("entry", sorted(card_values()))
def test_a_card_without_one_of_its_entries_is_refused(entry):
    values = card_values()
    del values[entry]
    with pytest.raises(BundleError, match=entry):
        Card.from_dict(values)


@pytest.mark.parametrize("schema", [0, 2, "1", None, True, 1.0])
def test_cards_of_another_schema_are_refused(schema):
    with pytest.raises(BundleError, match="schema"):
        Card.from_dict({**card_values(), "schema": schema})


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("kind", ""),
        ("kind", 3),
        ("architecture", []),
        ("bands", {}),
        ("bands", [{"name": "b"}]),
        ("bands", [{"name": 1, "wavelength_nm": None, "fwhm_nm": None}]),
        ("bands", [{"name": "b", "wavelength_nm": -1, "fwhm_nm": None}]),
        ("bands", [{"name": "b", "wavelength_nm": "500", "fwhm_nm": None}]),
        ("bands", [{"name": "b", "wavelength_nm": 1, "fwhm_nm": 1, "more": 1}]),
        ("bands", [{"name": "b", "wavelength_nm": None, "fwhm_nm": None}] * 10_001),
        ("ground_sampling_distance_m", 0),
        ("ground_sampling_distance_m", True),
        ("patch", 2.5),
        ("patch", -1),
        ("stride", "9"),
        ("classes", [{"value": 0, "name": "x", "colour": None}]),
        ("classes", [{"value": 1, "name": "x", "colour": "red"}]),
        ("classes", [{"value": 1, "name": "x", "colour": None}] * 2),
        ("targets", ["Cd"]),
        ("training", {"how": "", "split": "", "samples": 1}),
        ("training", {"how": "", "split": "", "samples": -1, "scores": {}}),
        ("versions", {"numpy": 2}),
        ("licence", None),
        ("origin", {"algorithm": "x"}),
        ("unknown", 1),
    ],
)
def test_wrong_entries_of_a_card_are_refused_by_name(entry, value):
    with pytest.raises(BundleError) as caught:
        Card.from_dict({**card_values(), entry: value})
    assert entry.rstrip("s")[:5] in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b'"text"',
        b'{"schema": NaN}',
        b'{"kind": "a", "kind": "b"}',
        b"[" * 100_000,
        b'{"schema": 1' + b"1" * 5000 + b"}",
    ],
)
def test_cards_that_are_not_cards_are_refused(content):
    with pytest.raises(BundleError, match="card"):
        Card.from_json(content)


def test_deeply_nested_cards_are_refused():
    nested: dict = {}
    for _ in range(50):
        nested = {"a": nested}
    with pytest.raises(BundleError, match="nested too deeply"):
        Card.from_dict({**card_values(), "scaling": nested})


def test_a_forged_card_in_a_file_is_refused(model):
    card = json.dumps({**card_values(), "schema": 99})
    with pytest.raises(BundleError, match="schema 99"):
        read_bundle(forge(model, {**members(model), "card.json": card}.items()))


def test_a_card_that_cannot_be_stored_is_refused(tmp_path):
    card = Card("metals", architecture={"loss": object()})
    with pytest.raises(BundleError, match="JSON"):
        write_bundle(tmp_path / "m.gossan", card, arrays=ARRAYS)
