"""The regressions that an inversion may use, each fitted to one element at a time.

All that depends on the samples (standardisation, number of components, kernel width) is fitted
here, on the training samples alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.svm import SVR

from gossan.core.errors import InputError
from gossan.core.validation import Splits, grouped, kfold
from gossan.models.metals.forest import Forest
from gossan.models.metals.predictors import AnyPredictor, KernelMachine, LinearEquation

FOREST, PLSR, SUPPORT_VECTORS, BOOSTING = "random forest", "PLSR", "SVR", "gradient boosting"
MEAN = "mean of methods"
METHODS = (FOREST, PLSR, SUPPORT_VECTORS, BOOSTING, MEAN)

GREATEST_COMPONENTS = 10
INNER_FOLDS = 5
SVR_PENALTIES = (1.0, 10.0, 100.0)
SVR_WIDTHS = (0.1, 0.3, 1.0)
"""Kernel widths gamma, each divided by the number of features."""
SVR_TUBES = (0.05, 0.2)
"""Errors that cost nothing, in standard deviations of the concentration."""
BOOSTING_RATE, BOOSTING_DEPTH, BOOSTING_SHARE = 0.05, 3, 0.7


@dataclass(frozen=True)
class Settings:
    """How an element is fitted.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    trees : int
        Trees of a forest, rounds of boosting.
    seed : int
        Seed of everything random.
    log_transform : bool
        Fit the logarithm of the concentration.
    outlier_limit : float
        Training samples farther from the median than this many scaled median absolute deviations
        are left out of the fit; 0 keeps all.
    """

    method: str = FOREST
    trees: int = 500
    seed: int = 0
    log_transform: bool = False
    outlier_limit: float = 0.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(f"Unknown method {self.method!r}; use one of {', '.join(METHODS)}.")
        if self.trees < 1:
            raise InputError(f"A forest needs at least one tree, not {self.trees}.")
        if self.outlier_limit < 0:
            raise InputError("The outlier limit must be 0 (keep all) or positive.")

    @property
    def members(self) -> tuple[str, ...]:
        """The single methods behind the chosen one."""
        return METHODS[:-1] if self.method == MEAN else (self.method,)


def fit_method(
    method: str,
    features: np.ndarray,
    target: np.ndarray,
    settings: Settings,
    groups: np.ndarray | None = None,
) -> AnyPredictor:
    """Fit one method to one target.

    Parameters
    ----------
    method : str
        One of `METHODS` but the mean.
    features : ndarray, shape (samples, features)
        Finite values.
    target : ndarray, shape (samples,)
        Finite values.
    settings : Settings
        Trees and seed.
    groups : ndarray, shape (samples,), optional
        Samples of one group stay together where a parameter is chosen by inner cross-validation.
    """
    if method == FOREST:
        return fit_forest(features, target, settings)
    if method == BOOSTING:
        return fit_boosting(features, target, settings)
    inner = inner_splits(len(target), groups, settings.seed)
    if method == PLSR:
        return fit_partial_least_squares(features, target, inner)
    return fit_support_vectors(features, target, inner)


def fit_forest(features: np.ndarray, target: np.ndarray, settings: Settings) -> Forest:
    """Fit a random forest: trees grown to the end, a third of the features tried at each split.

    Trees that end in single samples make the predictions of the trees an estimate of the whole
    conditional distribution (Meinshausen 2006), hence of intervals and exceedance.

    References
    ----------
    Breiman (2001), Random forests. Machine Learning 45, 5-32.
    Meinshausen (2006), Quantile regression forests. JMLR 7, 983-999.
    """
    forest = RandomForestRegressor(
        n_estimators=settings.trees,
        max_features=max(1, round(features.shape[1] / 3)),
        random_state=settings.seed,
        n_jobs=1,
    )
    forest.fit(features.astype(np.float32), target)
    return Forest.from_trees([tree.tree_ for tree in forest.estimators_], scale=1 / settings.trees)


def fit_boosting(features: np.ndarray, target: np.ndarray, settings: Settings) -> Forest:
    """Fit stochastic gradient boosting (Friedman 2002): shallow trees on each other's residuals."""
    boosting = GradientBoostingRegressor(
        n_estimators=settings.trees,
        learning_rate=BOOSTING_RATE,
        max_depth=BOOSTING_DEPTH,
        subsample=BOOSTING_SHARE,
        random_state=settings.seed,
    )
    boosting.fit(features.astype(np.float32), target)
    return Forest.from_trees(
        [tree.tree_ for tree in boosting.estimators_[:, 0]],
        scale=BOOSTING_RATE,
        offset=float(np.ravel(boosting.init_.constant_)[0]),
    )


def fit_partial_least_squares(
    features: np.ndarray, target: np.ndarray, inner: Splits
) -> LinearEquation:
    """Fit partial least squares; the number of components is that of least inner error."""
    return choose_components(features, target, inner, GREATEST_COMPONENTS)[0]


def choose_components(
    features: np.ndarray, target: np.ndarray, inner: Splits, greatest: int
) -> tuple[LinearEquation, int]:
    """Fit partial least squares with the number of components of least inner error.

    Parameters
    ----------
    features : ndarray, shape (samples, features)
    target : ndarray, shape (samples,)
    inner : Splits
        By which the number is chosen.
    greatest : int
        Most components to try.

    Returns
    -------
    equation : LinearEquation
    components : int
    """
    x = features.astype(np.float64)
    most = min(greatest, x.shape[1], *(len(train) - 1 for train, _ in inner))
    most = max(most, 1)
    errors = np.zeros(most)
    for train, test in inner:
        equations = _component_equations(x[train], target[train], most)
        for k in range(most):
            equation = equations[min(k, len(equations) - 1)]
            errors[k] += np.sum((equation.predict(x[test]) - target[test]) ** 2)
    best = int(np.argmin(errors)) + 1
    return _component_equations(x, target, best)[-1], best


def fit_support_vectors(features: np.ndarray, target: np.ndarray, inner: Splits) -> KernelMachine:
    """Fit support vector regression; penalty, width and tube are those of least inner error."""
    x = features.astype(np.float64)
    widths = [width / x.shape[1] for width in SVR_WIDTHS]
    choices = [(c, g, e) for c in SVR_PENALTIES for g in widths for e in SVR_TUBES]
    errors = np.zeros(len(choices))
    for train, test in inner:
        for k, choice in enumerate(choices):
            machine = _machine(x[train], target[train], *choice)
            errors[k] += np.sum((machine.predict(x[test]) - target[test]) ** 2)
    return _machine(x, target, *choices[int(np.argmin(errors))])


def inner_splits(n: int, groups: np.ndarray | None, seed: int) -> Splits:
    """Return the splits by which a method chooses its parameters, by groups where there are any."""
    if groups is not None and len(np.unique(groups)) >= 3:
        return grouped(groups, min(INNER_FOLDS, len(np.unique(groups))), seed=seed)
    return kfold(n, min(INNER_FOLDS, n), seed=seed)


def _component_equations(x: np.ndarray, y: np.ndarray, most: int) -> list[LinearEquation]:
    """Return the equations with 1 to `most` components of standardised features.

    Components end early where nothing is left to explain, which library routines take for an
    error. A constant feature gets no weight, and a constant target its mean.

    References
    ----------
    Wold et al. (2001), PLS-regression: a basic tool of chemometrics. Chemometrics and Intelligent
    Laboratory Systems 58, 109-130.
    """
    centre, spread = x.mean(axis=0), x.std(axis=0, ddof=1) if len(x) > 1 else np.zeros(x.shape[1])
    spread = np.where(spread > 0, spread, 1.0)
    y_centre = float(y.mean())
    left_x, left_y = (x - centre) / spread, y - y_centre
    start = float(np.linalg.norm(left_x) * np.linalg.norm(left_y))
    basis = None
    if len(x) < x.shape[1]:
        # Components lie in the space of the samples, which is small where spectra are features.
        basis, triangle = np.linalg.qr(left_x.T)
        left_x = triangle.T
    weights, loadings, gains = [], [], []
    equations = []
    for _ in range(most):
        weight = left_x.T @ left_y
        size = float(np.linalg.norm(weight))
        if size <= 1e-12 * start:
            break
        weight /= size
        scores = left_x @ weight
        power = float(scores @ scores)
        loading, gain = left_x.T @ scores / power, float(left_y @ scores) / power
        left_x, left_y = left_x - np.outer(scores, loading), left_y - gain * scores
        weights.append(weight)
        loadings.append(loading)
        gains.append(gain)
        w, p = np.array(weights).T, np.array(loadings).T
        coefficients = w @ np.linalg.solve(p.T @ w, np.array(gains))
        if basis is not None:
            coefficients = basis @ coefficients
        coefficients = coefficients / spread
        equations.append(LinearEquation(coefficients, y_centre - float(centre @ coefficients)))
    return equations or [LinearEquation(np.zeros(x.shape[1]), y_centre)]


def _machine(
    x: np.ndarray, y: np.ndarray, penalty: float, gamma: float, tube: float
) -> KernelMachine:
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread == 0] = 1.0
    y_centre, y_spread = float(y.mean()), float(y.std()) or 1.0
    fitted = SVR(C=penalty, gamma=gamma, epsilon=tube).fit(
        (x - centre) / spread, (y - y_centre) / y_spread
    )
    return KernelMachine(
        vectors=np.ascontiguousarray(fitted.support_vectors_, dtype=np.float64),
        weights=np.ravel(fitted.dual_coef_).astype(np.float64),
        gamma=gamma,
        intercept=float(np.ravel(fitted.intercept_)[0]),
        scale=y_spread,
        centre=y_centre,
        feature_centre=centre,
        feature_scale=spread,
    )
