from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gossan.core.censored import Censored, decimal_mark, parse


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("12.5", 12.5, ""),
        ("12,5", 12.5, ""),
        ("<0.02", 0.02, "<"),
        ("< 0,02", 0.02, "<"),
        (">4000", 4000.0, ">"),
        ("> 4 000", 4000.0, ">"),
        ("≤5", 5.0, "<"),
        (">=7", 7.0, ">"),
        ("1 234,5", 1234.5, ""),
        ("1\u00a0234,5", 1234.5, ""),
        ("1.234,5", 1234.5, ""),
        ("1,234.5", 1234.5, ""),
        ("1'234.5", 1234.5, ""),
        ("1,234,567", 1234567.0, ""),
        ("12 ppm", 12.0, ""),
        ("12mg/kg", 12.0, ""),
        ("<0.5 mg/kg", 0.5, "<"),
        ("3.2 %", 3.2, ""),
        ("1.5e3", 1500.0, ""),
        ("-4", -4.0, ""),
        (".5", 0.5, ""),
        (7, 7.0, ""),
        (7.25, 7.25, ""),
    ],
)
def test_numbers_are_read_as_laboratories_write_them(text, value, kind):
    assert parse(text) == Censored(value, kind)


@pytest.mark.parametrize(
    "text", ["", " ", "-", "NA", "n/a", "nan", "n.d.", "N.D.", "b.d.l.", "<LOD", None, math.nan]
)
def test_fields_without_a_number_are_missing(text):
    assert parse(text) is None


@pytest.mark.parametrize(
    "text", ["abc", "12a", "1.2.3", "<", "12 34", "inf", "1e999", math.inf, True, "Pb 12", "5 kg"]
)
def test_text_is_an_error(text):
    with pytest.raises(ValueError, match=r"not a number|infinite|too large"):
        parse(text)


def test_a_single_mark_is_a_decimal_one_unless_the_column_says_otherwise():
    assert parse("12,500").value == 12.5
    assert decimal_mark(["12,500", "0.5"]) == "."
    assert parse("12,500", decimal=".").value == 12500
    assert decimal_mark(["1.234", "3,5"]) == ","
    assert parse("1.234", decimal=",").value == 1234
    assert parse("0.123", decimal=",").value == 0.123


def test_a_column_that_shows_both_marks_decides_nothing():
    assert decimal_mark(["1.5", "1,5"]) == ""
    assert decimal_mark(["12", "<3", None, ""]) == ""


@pytest.mark.parametrize(
    ("rule", "expected"), [("half", 0.01), ("limit", 0.02), ("zero", 0.0), ("missing", None)]
)
def test_values_below_detection_follow_their_rule(rule, expected):
    assert Censored(0.02, "<").resolve(rule) == expected
    assert Censored(4000.0, ">").resolve(rule) == 4000.0
    assert Censored(3.0).resolve(rule) == 3.0


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="half, limit, zero, missing"):
        Censored(1.0, "<").resolve("double")


@given(st.floats(-1e12, 1e12, allow_nan=False), st.sampled_from(["", "<", ">"]))
def test_what_is_written_is_read_back(number, kind):
    assert parse(f"{kind}{number!r}") == Censored(number, kind)
    assert parse(f"{kind} {repr(number).replace('.', ',')} mg/kg") == Censored(number, kind)


@given(st.integers(0, 10**12), st.sampled_from([" ", "\u202f", "'"]))
def test_thousands_are_read_back(number, mark):
    assert parse(f"{number:,}".replace(",", mark)).value == number


@given(st.text(max_size=12))
def test_any_text_is_a_number_missing_or_a_value_error(text):
    try:
        found = parse(text)
    except ValueError:
        return
    assert found is None or math.isfinite(found.value)


def test_it_needs_the_standard_library_only():
    program = (
        "import sys, gossan.core.censored; "
        "print(sorted({'numpy', 'scipy', 'rasterio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
