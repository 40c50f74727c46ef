"""Fitted scikit-learn estimators as bytes and back, limited to types that are known to be safe.

The skops format describes objects as a tree of type names and arrays. Before anything is built,
every type name of that tree is held against the list in this module.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from gossan.core.errors import BundleError

MAXIMUM_UNPACKED_BYTES = 512 << 20
MAXIMUM_MEMBERS = 200_000

_SCHEMA = "schema.json"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)

_PLAIN = ("dict", "list", "tuple", "set", "slice", "str", "int", "float", "bool")
_NUMPY = (
    *("ndarray", "dtype", "bool", "bool_", "str_", "float16", "float32", "float64"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
_TREE = "sklearn.tree._tree.Tree"

TRUSTED = frozenset(
    {
        *(f"builtins.{name}" for name in _PLAIN),
        *(f"numpy.{name}" for name in _NUMPY),
        "numpy.random.mtrand.RandomState",
        _TREE,
        "sklearn._loss._loss.CyHalfBinomialLoss",
        "sklearn._loss._loss.CyHalfMultinomialLoss",
        "sklearn._loss._loss.CyHalfSquaredError",
        "sklearn._loss.link.IdentityLink",
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.link.MultinomialLogit",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn._loss.loss.HalfMultinomialLoss",
        "sklearn._loss.loss.HalfSquaredError",
        "sklearn.cluster._kmeans.KMeans",
        "sklearn.cross_decomposition._pls.PLSRegression",
        "sklearn.decomposition._pca.PCA",
        "sklearn.dummy.DummyClassifier",
        "sklearn.dummy.DummyRegressor",
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.ExtraTreesRegressor",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._forest.RandomForestRegressor",
        "sklearn.ensemble._gb.GradientBoostingClassifier",
        "sklearn.ensemble._gb.GradientBoostingRegressor",
        "sklearn.ensemble._gb.ExponentialLoss",
        "sklearn.impute._base.SimpleImputer",
        "sklearn.linear_model._base.LinearRegression",
        "sklearn.linear_model._bayes.BayesianRidge",
        "sklearn.linear_model._coordinate_descent.ElasticNet",
        "sklearn.linear_model._coordinate_descent.ElasticNetCV",
        "sklearn.linear_model._coordinate_descent.Lasso",
        "sklearn.linear_model._coordinate_descent.LassoCV",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.linear_model._logistic.LogisticRegressionCV",
        "sklearn.linear_model._ridge.Ridge",
        "sklearn.linear_model._ridge.RidgeCV",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.MinMaxScaler",
        "sklearn.preprocessing._data.PowerTransformer",
        "sklearn.preprocessing._data.RobustScaler",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn.svm._classes.SVC",
        "sklearn.svm._classes.SVR",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._classes.DecisionTreeRegressor",
        "sklearn.tree._classes.ExtraTreeClassifier",
        "sklearn.tree._classes.ExtraTreeRegressor",
    }
)
"""Types that a model file may hold. Functions, methods and partials are not among them."""

_LOADERS = frozenset(
    {
        *("DictNode", "ListNode", "SetNode", "TupleNode", "SliceNode", "TypeNode", "JsonNode"),
        *("NdArrayNode", "DTypeNode", "RandomStateNode", "ObjectNode", "TreeNode", "LossNode"),
    }
)


def dumps(estimators: dict[str, Any]) -> bytes:
    """Return fitted estimators in the skops format, the same bytes for the same estimators.

    Raises
    ------
    BundleError
        When an estimator holds a type that `loads` would refuse.
    """
    # Imported here because it takes a second, which models stored as arrays never need.
    import skops.io
    from skops.io.exceptions import UnsupportedTypeException

    try:
        content = skops.io.dumps(estimators)
    except (UnsupportedTypeException, TypeError, ValueError) as problem:
        raise BundleError(f"These estimators cannot be stored: {problem}.") from problem
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        _check_types(schema, "The model")
        names = _renumber(schema)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as canonical:
            for old, new in names.items():
                canonical.writestr(zipfile.ZipInfo(new, _FIXED_TIME), archive.read(old))
            canonical.writestr(
                zipfile.ZipInfo(_SCHEMA, _FIXED_TIME), json.dumps(schema, separators=(",", ":"))
            )
    return stream.getvalue()


def loads(content: bytes, where: str) -> dict[str, Any]:
    """Return the estimators stored by `dumps`, by name.

    Parameters
    ----------
    content : bytes
    where : str
        Name of the file, for messages.

    Raises
    ------
    BundleError
        When the content is damaged, too large or holds foreign types.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, where)
            schema = json.loads(archive.read(_SCHEMA))
            _check_types(schema, where)
            _check_references(schema, set(archive.namelist()), where)
        import skops.io

        with warnings.catch_warnings():
            # Versions are on the card; scikit-learn's own sentence about them names no file.
            warnings.simplefilter("ignore", UserWarning)
            loaded = skops.io.loads(content, trusted=sorted(TRUSTED))
    except BundleError:
        raise
    except _DAMAGE as problem:
        raise BundleError(
            f"The estimators in {where} are damaged or were made with another scikit-learn "
            f"({type(problem).__name__}: {problem}). Get the file again or train the model again."
        ) from problem
    if not isinstance(loaded, dict) or not all(isinstance(name, str) for name in loaded):
        raise BundleError(f"{where} is refused: its estimators have no names.")
    for name, estimator in loaded.items():
        for tree in _trees_of(estimator):
            _check_tree(tree, f"{name} in {where}")
    return loaded


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    ImportError,
    RecursionError,
    NotImplementedError,
)


def _check_members(archive: zipfile.ZipFile, where: str) -> None:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MAXIMUM_MEMBERS or (
        sum(entry.file_size for entry in entries) > MAXIMUM_UNPACKED_BYTES
    ):
        raise BundleError(
            f"{where} is refused: its estimators unpack to more than "
            f"{MAXIMUM_UNPACKED_BYTES >> 20} MB or {MAXIMUM_MEMBERS} parts."
        )
    if len(set(names)) != len(names):
        raise BundleError(f"{where} is refused: its estimators hold the same part twice.")
    for name in names:
        stem, _, suffix = name.rpartition(".")
        if name != _SCHEMA and not (stem.isalnum() and suffix == "npy"):
            raise BundleError(f"{where} is refused: its estimators hold {name!r:.80}.")
    if _SCHEMA not in names:
        raise BundleError(f"The estimators in {where} are damaged: they have no {_SCHEMA}.")


def _check_types(schema: Any, where: str) -> None:
    for node in _nodes(schema):
        if "__class__" not in node and "__loader__" not in node:
            continue
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name not in TRUSTED or node.get("__loader__") not in _LOADERS:
            raise BundleError(
                f"{where} holds the type {name} (as {node.get('__loader__')}), which is not among "
                "those that a model file may hold. Use a model from a source you trust."
            )
        reduced = node.get("__reduce__")
        if reduced is not None and node["__loader__"] not in ("TreeNode", "LossNode"):
            raise BundleError(f"{where} is refused: {name} would be built by a call.")


def _check_references(schema: Any, members: set[str], where: str) -> None:
    for node in _nodes(schema):
        if "file" in node and "__loader__" in node and node["file"] not in members:
            raise BundleError(f"The estimators in {where} are damaged: {node['file']!r:.80} lacks.")


def _renumber(schema: Any) -> dict[str, str]:
    """Replace memory addresses by running numbers; return old and new names of array members."""
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}
    for node in _nodes(schema):
        if node.get("__loader__") == "JsonNode":
            # Which equal numbers and texts are one object is an accident of the interpreter.
            node.pop("__id__", None)
        elif "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if node.get("__loader__") == "NdArrayNode" and node.get("type") == "numpy":
            node["file"] = names.setdefault(node["file"], f"{len(names) + 1}.npy")
    return names


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Go through all objects of a JSON tree, in its order, without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _trees_of(estimator: Any) -> Iterator[Any]:
    """Find the decision trees in an estimator, also inside pipelines and ensembles."""
    waiting = [estimator]
    seen: set[int] = set()
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, (str, bytes, int, float, type(None))):
            continue
        seen.add(id(item))
        if f"{type(item).__module__}.{type(item).__name__}" == _TREE:
            yield item
        elif isinstance(item, np.ndarray):
            if item.dtype == object:
                waiting.extend(item.ravel().tolist())
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple, set)):
            waiting.extend(item)
        elif hasattr(item, "__dict__"):
            waiting.extend(vars(item).values())


def _check_tree(tree: Any, where: str) -> None:
    """Refuse a tree whose node numbers lead outside of it: prediction does not check them."""
    count = tree.node_count
    left, right = tree.children_left, tree.children_right
    leaf = left == -1
    own = np.arange(count)
    inside = (left > own) & (left < count) & (right > own) & (right < count)
    feature = tree.feature
    known = (feature >= 0) & (feature < tree.n_features)
    if count < 1 or not np.all(leaf | (inside & known)) or len(tree.value) != count:
        raise BundleError(f"The trees of {where} are damaged: they lead outside of themselves.")
