"""Values per element are read as users write them, or refused with the pair that is wrong."""

from __future__ import annotations

import pytest

from gossan.core.errors import InputError
from gossan.models.metals.element_values import parse_element_values


def test_pairs_come_in_any_spelling():
    found = parse_element_values(" Pb = 100;As=0,5 ;\n Cd=1e-1;", "limit")
    assert found == {"pb": 100.0, "as": 0.5, "cd": 0.1}
    assert parse_element_values("", "limit") == {}


@pytest.mark.parametrize("text", ["Pb", "Pb=", "=3", "Pb=high", "Pb=<5", "Pb=n.d."])
def test_a_pair_that_is_no_value_is_quoted(text):
    with pytest.raises(InputError, match=text.replace(".", r"\.")):
        parse_element_values(f"As=20; {text}", "limit")


def test_an_element_cannot_have_two_values():
    with pytest.raises(InputError, match="two limits for PB"):
        parse_element_values("Pb=1; PB=2", "limit")
