"""A simulated mining district with known truth: one world, many products.

>>> from gossan.examples.district import Settings, make_district
>>> district = make_district("district", Settings(seed=1, size=96, bands=60))  # doctest: +SKIP
>>> district.path("hyperspectral")  # doctest: +SKIP
"""

from __future__ import annotations

from gossan.examples.district.difficulty import Difficulty
from gossan.examples.district.district import make_district, make_districts
from gossan.examples.district.products import District, Product, Settings

__all__ = ["Difficulty", "District", "Product", "Settings", "make_district", "make_districts"]
