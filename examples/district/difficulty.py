"""How difficult the simulated district is, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difficulty:
    """What stands between the products and the truth; frozen, see docs/district.md.

    Parameters
    ----------
    noise : float
        Factor on the sensor noise; 1 is a good spaceborne imaging spectrometer.
    outliers : float
        Share of the pixels with a spike in some bands.
    variation : float
        Strength of the within-class spectral variation; 0 leaves one spectrum per material.
    brightness : float
        Standard deviation of the multiplicative brightness of a pixel (ln units).
    illumination : float
        1 = full cosine law on slopes, 0 = flat light.
    bilinear : float
        Strength of the light that bounces between plants and ground.
    unexplained : float
        Standard deviation of ln(concentration) that no material in the image explains.
    samples : int
        Number of soil samples.
    laboratory_error : float
        Relative standard deviation of the laboratory's values.
    spectrometer_noise : float
        Standard deviation of laboratory reflectance between replicates.
    geochemical_error : float
        Standard deviation of ln(oxide) of the coarse grids.
    radioelements : float
        Standard deviation of ln(potassium, uranium, thorium) within a rock.
    cloud_share : float
        Mean share of a Sentinel-2 date under cloud.
    """

    noise: float = 1.0
    outliers: float = 3e-4
    variation: float = 0.45
    brightness: float = 0.08
    illumination: float = 0.7
    bilinear: float = 0.35
    unexplained: float = 0.22
    samples: int = 53
    laboratory_error: float = 0.06
    spectrometer_noise: float = 0.002
    geochemical_error: float = 0.2
    radioelements: float = 0.12
    cloud_share: float = 0.18


FROZEN = Difficulty()
"""The difficulty of all published figures."""
