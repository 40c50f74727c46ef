"""The job that unmixes a scene: from a raster and a spectral library to abundance maps."""

from __future__ import annotations

from typing import Any

from gossan.core.progress import Progress


def estimate(
    progress: Progress,
    *,
    raster: str,
    library: str,
    output: str,
    method: str = "nnls",
    normalise: bool = False,
    wavelengths: str = "",
    scale: float | None = None,
    offset: float | None = None,
    drop_water: bool = True,
    by_position: bool = False,
    mixtures: int = 1000,
    iterations: int = 200,
    seed: int = 0,
    origin: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Map how much of each endmember every pixel holds.

    Parameters
    ----------
    progress : Progress
        Where to report to.
    raster : str
        Path of the hyperspectral scene.
    library : str
        Path of the spectral library with one endmember per spectrum.
    output : str
        Path of the GeoTIFF to write: one band per endmember, then ``residual RMSE`` and ``sum``.
    method : {"nnls", "fcls", "nmf", "svr", "unconstrained"}
        How abundances are estimated.
    normalise : bool
        Divide the abundances of each pixel by their sum (the ``sum`` band keeps the sum itself).
    wavelengths : str
        Path of a CSV with the wavelengths of the scene's bands; "" takes the scene's metadata.
    scale, offset : float or None
        Reflectance = value x scale + offset; None takes the scene's metadata.
    drop_water : bool
        Leave out water-vapour bands by wavelength where the scene has no list of bad bands.
    by_position : bool
        Match the library's bands to the scene's by position.
    mixtures : int
        Synthetic mixtures that the support vector regression learns from.
    iterations : int
        Most passes of the non-negative matrix factorisation.
    seed : int
        Seed of the synthetic mixtures and of the sampled pixels.
    origin : dict or None
        Algorithm, version and parameters for the output's tags.

    Returns
    -------
    dict
        ``output``, ``endmembers`` (a row per endmember: name, mean, standard deviation, share
        above zero), ``mean_rmse``, ``mean_sum``, ``valid_pixels``, ``pixels``, ``negative_share``,
        ``bands_used``, ``seconds`` (by step).

    Raises
    ------
    InputError, BandMismatchError, FileError
        Where an input cannot be used.
    """
    raise NotImplementedError
