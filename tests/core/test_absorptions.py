"""The table of absorptions answers what absorbs at a wavelength."""

from __future__ import annotations

import pytest

from gossan.core.absorptions import ABSORPTIONS, absorptions_at


@pytest.mark.parametrize(
    ("wavelength", "name"),
    [
        *((680, "Chlorophyll"), (900, "Fe\u00b3\u207a"), (1400, "OH and water"), (1900, "Water")),
        *((2200, "Al-OH"), (2265, "Fe-OH"), (2345, "Carbonate"), (2318, "Mg-OH")),
    ],
)
def test_the_nearest_absorption_comes_first(wavelength, name):
    assert absorptions_at(wavelength)[0].name == name


def test_where_nothing_absorbs_nothing_is_named():
    assert absorptions_at(1600) == []


def test_every_range_holds_its_centre_and_names_a_reference():
    text = __import__("gossan.core.absorptions", fromlist=["_"]).__doc__
    for each in ABSORPTIONS:
        assert each.low < each.centre < each.high
        author, year = each.source.split()
        assert author in text
        assert f"({year})" in text
    assert [each.low for each in ABSORPTIONS] == sorted(each.low for each in ABSORPTIONS)
