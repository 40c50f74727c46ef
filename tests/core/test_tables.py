"""Tables read back as they were written."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from gossan.core.errors import FileError
from gossan.core.tables import write_table


def test_texts_and_numbers_come_back_and_missing_ones_are_empty(tmp_path):
    path = tmp_path / "scores.csv"
    rows = [["As, total", np.float64(0.1) + 0.2, np.float32("nan")], ["Pb", 3, None]]
    write_table(path, ["element", "R2", "RMSE (mg/kg)"], rows)
    with open(path, encoding="utf-8", newline="") as file:
        read = list(csv.reader(file))
    assert read == [
        ["element", "R2", "RMSE (mg/kg)"],
        ["As, total", "0.30000000000000004", ""],
        ["Pb", "3", ""],
    ]


def test_nothing_is_left_where_a_row_fails(tmp_path):
    def rows():
        yield ["As"]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_table(tmp_path / "scores.csv", ["element"], rows())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        write_table(tmp_path / "nowhere" / "scores.csv", ["element"], [])
