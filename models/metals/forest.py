"""Decision forests as compact arrays: exact, fast to predict with, and safe to store.

A node is one 64-bit integer: threshold, feature and place of its left child, whose sibling follows
it. A leaf is its own child, so that all pixels can walk a tree in step without asking whether they
have arrived. Pixels go through a tree in small groups while the tree stays in the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba
import numpy as np

from gossan.core.errors import BundleError, InputError

PIXEL_GROUP = 256
"""Pixels that walk one tree before the next; their features and the tree fit the first cache."""

_NODE_BITS = 20
_FEATURE_BITS = 12
_NODE_MASK = (1 << _NODE_BITS) - 1
_FEATURE_MASK = (1 << _FEATURE_BITS) - 1
_LEAF = np.iinfo(np.int32).max


class TreeMoments(NamedTuple):
    """What the trees of a forest say about each pixel, each of shape (pixels,).

    Parameters
    ----------
    mean : ndarray
        The forest's prediction.
    deviation : ndarray
        Standard deviation across the trees.
    exceedance : ndarray
        Share of the trees above the limit, 0 to 1.
    """

    mean: np.ndarray
    deviation: np.ndarray
    exceedance: np.ndarray


def _regression_values(tree: Any) -> np.ndarray:
    """Return what a regression tree predicts at each node."""
    return np.asarray(tree.value[:, 0, 0])


@dataclass(frozen=True, eq=False)
class Forest:
    """Regression trees whose prediction is ``offset + scale * sum of the trees' leaf values``.

    Parameters
    ----------
    nodes : ndarray of int64, shape (nodes,)
        Order-preserving threshold (upper 32 bits), feature (12 bits), left child counted from the
        root of the tree (20 bits).
    values : ndarray of float64, shape (nodes,)
        Leaf values.
    roots : ndarray of int64, shape (trees,)
        Where each tree starts.
    depths : ndarray of int64, shape (trees,)
        Steps from the root to the deepest leaf.
    scale, offset : float
        1 / trees and 0 for a random forest; learning rate and start value for boosting.
    """

    nodes: np.ndarray
    values: np.ndarray
    roots: np.ndarray
    depths: np.ndarray
    scale: float
    offset: float = 0.0

    @property
    def trees(self) -> int:
        """Number of trees."""
        return len(self.roots)

    @classmethod
    def from_trees(
        cls,
        trees: Sequence[Any],
        *,
        scale: float,
        offset: float = 0.0,
        leaves: Callable[[Any], np.ndarray] = _regression_values,
    ) -> Forest:
        """Take over fitted scikit-learn trees (``estimator.tree_``) without changing a prediction.

        ``leaves`` returns the value of each node of a tree, shape (nodes,): what a regression tree
        predicts, unless other leaves are wanted, such as the class of a classification tree.

        scikit-learn compares float32 features with float64 thresholds. ``x <= t`` is the same for
        any float32 x when t is the greatest float32 that does not exceed the threshold.

        Raises
        ------
        InputError
            When a tree has more nodes or features than a node can address.
        """
        parts = [_compact(tree, leaves(tree)) for tree in trees]
        sizes = np.array([len(nodes) for nodes, _ in parts], dtype=np.int64)
        return cls(
            nodes=np.concatenate([nodes for nodes, _ in parts]),
            values=np.concatenate([values for _, values in parts]),
            roots=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64),
            depths=np.array([tree.max_depth for tree in trees], dtype=np.int64),
            scale=float(scale),
            offset=float(offset),
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], features: int) -> Forest:
        """Rebuild a forest from stored arrays, after making sure that no walk leaves its tree.

        Raises
        ------
        BundleError
            When the arrays are incomplete or inconsistent.
        """
        whole = [arrays[name].dtype for name in ("nodes", "roots", "depths") if name in arrays]
        if any(kind != np.int64 for kind in whole) or not np.isfinite(arrays.get("scale", 0)).all():
            raise BundleError("The forest in the model is damaged; train it again.")
        try:
            forest = cls(
                nodes=np.ascontiguousarray(arrays["nodes"], dtype=np.int64),
                values=np.ascontiguousarray(arrays["values"], dtype=np.float64),
                roots=np.ascontiguousarray(arrays["roots"], dtype=np.int64),
                depths=np.ascontiguousarray(arrays["depths"], dtype=np.int64),
                scale=float(arrays["scale"][0]),
                offset=float(arrays["scale"][1]),
            )
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise BundleError("The forest in the model is incomplete; train it again.") from error
        forest._check(features)
        return forest

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what `from_arrays` needs."""
        return {
            "nodes": self.nodes,
            "values": self.values,
            "roots": self.roots,
            "depths": self.depths,
            "scale": np.array([self.scale, self.offset]),
        }

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict pixels.

        Parameters
        ----------
        features : ndarray, shape (pixels, features)
            Finite values; taken as float32, as scikit-learn does.

        Returns
        -------
        ndarray of float64, shape (pixels,)
        """
        return self.predict_keys(feature_keys(features))

    def predict_keys(self, keys: np.ndarray) -> np.ndarray:
        """Predict pixels whose `feature_keys` several forests share."""
        sums = np.empty(len(keys))
        _sum_trees(keys, self.nodes, self.values, self.roots, self.depths, sums)
        return self.offset + self.scale * sums

    def moments_keys(self, keys: np.ndarray, limit: float = np.inf) -> TreeMoments:
        """Return mean, deviation and share above `limit` of the trees' own predictions.

        Meaningful where every tree is a prediction by itself, as in a random forest.
        """
        out = np.empty((3, len(keys)))
        _tree_moments(keys, self.nodes, self.values, self.roots, self.depths, limit, out)
        count = float(self.trees)
        mean = self.offset + self.scale * out[0]
        # Sums are taken of differences from the first tree, which keeps all digits.
        variance = np.maximum(out[1], 0.0) / count
        return TreeMoments(mean, np.sqrt(variance), out[2] / count)

    def tree_values_keys(self, keys: np.ndarray) -> np.ndarray:
        """Return what each tree predicts, of shape (trees, pixels)."""
        out = np.empty((self.trees, len(keys)))
        _tree_values(keys, self.nodes, self.values, self.roots, self.depths, out)
        return out

    def _check(self, features: int) -> None:
        """Refuse nodes that would read outside the arrays: a model file may come from anywhere."""
        n = len(self.nodes)
        ends = np.append(self.roots[1:], n)
        sizes = ends - self.roots
        consistent = (
            self.nodes.ndim == 1
            and self.values.shape == (n,)
            and self.roots.ndim == 1
            and self.depths.shape == self.roots.shape
            and len(self.roots) > 0
            and self.roots[0] == 0
            and bool(np.all(sizes > 0))
            and bool(np.all((self.depths >= 0) & (self.depths <= sizes)))
        )
        if consistent:
            room = np.repeat(sizes, sizes)
            children = self.nodes & _NODE_MASK
            inner = (self.nodes >> 32) != _LEAF
            used = (self.nodes >> _NODE_BITS) & _FEATURE_MASK
            consistent = bool(
                np.all(children + inner < room)
                and np.all(used < features)
                and np.all(np.isfinite(self.values))
            )
        if not consistent:
            raise BundleError("The forest in the model is damaged; train it again.")


def feature_keys(features: np.ndarray) -> np.ndarray:
    """Return float32 features as int32 that sort in the same order, shape (pixels, features).

    Whole numbers let thresholds share one 64-bit word with the rest of a node.
    """
    # Adding zero makes -0 and 0 the same key.
    bits = np.ascontiguousarray(np.asarray(features, dtype=np.float32) + np.float32(0)).view(
        np.int32
    )
    return np.where(bits < 0, bits ^ np.int32(_LEAF), bits)


def _compact(tree: Any, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nodes and values of one scikit-learn tree, siblings side by side."""
    left, right = tree.children_left, tree.children_right
    if tree.node_count > _NODE_MASK or tree.n_features > _FEATURE_MASK:
        raise InputError(
            f"A tree with {tree.node_count} nodes over {tree.n_features} features is too large; "
            f"use at most {_FEATURE_MASK} features and fewer samples."
        )
    order = [0]
    for node in order:
        if left[node] >= 0:
            order += [int(left[node]), int(right[node])]
    places = np.array(order)
    position = np.empty(len(places), dtype=np.int64)
    position[places] = np.arange(len(places))
    leaf = left[places] < 0
    thresholds = tree.threshold[places]
    lowered = thresholds.astype(np.float32)
    too_high = lowered.astype(np.float64) > thresholds
    lowered[too_high] = np.nextafter(lowered[too_high], np.float32(-np.inf))
    keys = np.where(leaf, _LEAF, feature_keys(lowered)).astype(np.int64)
    children = np.where(leaf, np.arange(len(places)), position[left[places]])
    used = np.where(leaf, 0, tree.feature[places]).astype(np.int64)
    nodes = (keys << 32) | (used << _NODE_BITS) | children
    return nodes, np.asarray(values[places], dtype=np.float64)


@numba.njit(nogil=True, cache=True)
def _walk(keys: np.ndarray, nodes: np.ndarray, root: int, depth: int, leaves: np.ndarray) -> None:
    """Send a group of pixels down one tree, eight at a time so that their waits overlap."""
    node_mask = np.int64(_NODE_MASK)
    feature_mask = np.int64(_FEATURE_MASK)
    one = np.uint64(1)
    r = np.uint64(root)
    for i in range(0, PIXEL_GROUP, 8):
        p0 = np.uint64(i)
        p1 = p0 + one
        p2 = p1 + one
        p3 = p2 + one
        p4 = p3 + one
        p5 = p4 + one
        p6 = p5 + one
        p7 = p6 + one
        a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = r
        for _ in range(depth):
            w0 = nodes[a0]
            w1 = nodes[a1]
            w2 = nodes[a2]
            w3 = nodes[a3]
            w4 = nodes[a4]
            w5 = nodes[a5]
            w6 = nodes[a6]
            w7 = nodes[a7]
            x0 = keys[p0, np.uint64((w0 >> _NODE_BITS) & feature_mask)]
            x1 = keys[p1, np.uint64((w1 >> _NODE_BITS) & feature_mask)]
            x2 = keys[p2, np.uint64((w2 >> _NODE_BITS) & feature_mask)]
            x3 = keys[p3, np.uint64((w3 >> _NODE_BITS) & feature_mask)]
            x4 = keys[p4, np.uint64((w4 >> _NODE_BITS) & feature_mask)]
            x5 = keys[p5, np.uint64((w5 >> _NODE_BITS) & feature_mask)]
            x6 = keys[p6, np.uint64((w6 >> _NODE_BITS) & feature_mask)]
            x7 = keys[p7, np.uint64((w7 >> _NODE_BITS) & feature_mask)]
            a0 = r + np.uint64(w0 & node_mask) + np.uint64(x0 > (w0 >> 32))
            a1 = r + np.uint64(w1 & node_mask) + np.uint64(x1 > (w1 >> 32))
            a2 = r + np.uint64(w2 & node_mask) + np.uint64(x2 > (w2 >> 32))
            a3 = r + np.uint64(w3 & node_mask) + np.uint64(x3 > (w3 >> 32))
            a4 = r + np.uint64(w4 & node_mask) + np.uint64(x4 > (w4 >> 32))
            a5 = r + np.uint64(w5 & node_mask) + np.uint64(x5 > (w5 >> 32))
            a6 = r + np.uint64(w6 & node_mask) + np.uint64(x6 > (w6 >> 32))
            a7 = r + np.uint64(w7 & node_mask) + np.uint64(x7 > (w7 >> 32))
        leaves[p0] = a0
        leaves[p1] = a1
        leaves[p2] = a2
        leaves[p3] = a3
        leaves[p4] = a4
        leaves[p5] = a5
        leaves[p6] = a6
        leaves[p7] = a7


@numba.njit(nogil=True, cache=True)
def _sum_trees(
    keys: np.ndarray,
    nodes: np.ndarray,
    values: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    sums: np.ndarray,
) -> None:
    group = np.zeros((PIXEL_GROUP, keys.shape[1]), dtype=np.int32)
    leaves = np.empty(PIXEL_GROUP, dtype=np.uint64)
    total = np.empty(PIXEL_GROUP)
    for start in range(0, keys.shape[0], PIXEL_GROUP):
        size = min(PIXEL_GROUP, keys.shape[0] - start)
        group[:size] = keys[start : start + size]
        total[:] = 0.0
        for tree in range(roots.shape[0]):
            _walk(group, nodes, roots[tree], depths[tree], leaves)
            for i in range(PIXEL_GROUP):
                total[i] += values[leaves[i]]
        sums[start : start + size] = total[:size]


@numba.njit(nogil=True, cache=True)
def _tree_moments(
    keys: np.ndarray,
    nodes: np.ndarray,
    values: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    limit: float,
    out: np.ndarray,
) -> None:
    """Fill sum, sum of squared differences from the mean, and count above the limit."""
    group = np.zeros((PIXEL_GROUP, keys.shape[1]), dtype=np.int32)
    leaves = np.empty(PIXEL_GROUP, dtype=np.uint64)
    first = np.empty(PIXEL_GROUP)
    total = np.empty(PIXEL_GROUP)
    squares = np.empty(PIXEL_GROUP)
    above = np.empty(PIXEL_GROUP)
    count = roots.shape[0]
    for start in range(0, keys.shape[0], PIXEL_GROUP):
        size = min(PIXEL_GROUP, keys.shape[0] - start)
        group[:size] = keys[start : start + size]
        total[:] = 0.0
        squares[:] = 0.0
        above[:] = 0.0
        for tree in range(count):
            _walk(group, nodes, roots[tree], depths[tree], leaves)
            if tree == 0:
                for i in range(PIXEL_GROUP):
                    first[i] = values[leaves[i]]
            for i in range(PIXEL_GROUP):
                value = values[leaves[i]]
                difference = value - first[i]
                total[i] += difference
                squares[i] += difference * difference
                above[i] += 1.0 if value > limit else 0.0
        for i in range(size):
            out[0, start + i] = total[i] + count * first[i]
            out[1, start + i] = squares[i] - total[i] * total[i] / count
            out[2, start + i] = above[i]


@numba.njit(nogil=True, cache=True)
def _tree_values(
    keys: np.ndarray,
    nodes: np.ndarray,
    values: np.ndarray,
    roots: np.ndarray,
    depths: np.ndarray,
    out: np.ndarray,
) -> None:
    group = np.zeros((PIXEL_GROUP, keys.shape[1]), dtype=np.int32)
    leaves = np.empty(PIXEL_GROUP, dtype=np.uint64)
    for start in range(0, keys.shape[0], PIXEL_GROUP):
        size = min(PIXEL_GROUP, keys.shape[0] - start)
        group[:size] = keys[start : start + size]
        for tree in range(roots.shape[0]):
            _walk(group, nodes, roots[tree], depths[tree], leaves)
            for i in range(size):
                out[tree, start + i] = values[leaves[i]]
