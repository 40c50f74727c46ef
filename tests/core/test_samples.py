from __future__ import annotations

import numpy as np
import pytest

from gossan.core.errors import FileError, InputError
from gossan.core.samples import merge_duplicates, read_samples


@pytest.fixture
def table(tmp_path):
    def write(text: str, encoding: str = "utf-8"):
        path = tmp_path / "samples.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_censored_values_stand_for_their_number_and_stay_flagged(table):
    path = table("fid,x,y,Pb,As\n1,0,0,12.5,<0.02\n2,1,0,>4000,3\n3,2,0,n.d.,4\n")
    samples = read_samples(path, ["Pb", "As"])
    np.testing.assert_array_equal(samples.values, [[12.5, 0.01], [4000, 3], [np.nan, 4]])
    np.testing.assert_array_equal(samples.flags, [["", "<"], [">", ""], ["", ""]])
    assert samples.censored_counts() == [("Pb", 0, 1), ("As", 1, 0)]
    assert samples.ids == ("1", "2", "3")


def test_values_below_detection_can_be_missing(table):
    samples = read_samples(table("fid,x,y,As\n1,0,0,<1\n2,0,1,5\n"), ["As"], lower_rule="missing")
    assert samples.values.ravel().tolist() == [5.0]
    assert samples.excluded == (("1", "no value of any element"),)


def test_rows_that_cannot_be_used_are_named_with_their_reason(table):
    path = table("fid,x,y,Pb\na,,5,1\nb,1,1,NA\nc,2,2,7\n")
    samples = read_samples(path, ["Pb"])
    assert samples.ids == ("c",)
    assert samples.excluded == (("a", "no coordinates"), ("b", "no value of any element"))
    assert samples.excluded_counts() == [("no coordinates", 1), ("no value of any element", 1)]


def test_text_in_a_field_of_numbers_names_row_and_field(table):
    path = table("fid,x,y,Pb\n7,0,0,1\n9,1,1,high\n")
    with pytest.raises(InputError, match=r"Row 2 \(fid 9\) of samples.csv, field Pb: 'high'"):
        read_samples(path, ["Pb"])


def test_semicolons_decimal_commas_and_latin_1_are_read(table):
    path = table("fid;x;y;Bl\u00e4h\n1;1,5;2,5;12,25\n", "latin-1")
    samples = read_samples(path, ["Bl\u00e4h"])
    assert (samples.x[0], samples.y[0], samples.values[0, 0]) == (1.5, 2.5, 12.25)


def test_thousands_are_told_by_the_rest_of_the_column(table):
    path = table('fid,x,y,Zn\n1,0,0,"12,500"\n2,1,1,0.5\n')
    assert read_samples(path, ["Zn"]).values.ravel().tolist() == [12500, 0.5]


def test_quoted_fields_may_hold_line_breaks_and_bom_is_ignored(table):
    path = table('\ufefffid,x,y,Pb,note\n1,0,0,5,"two\nlines"\n\n2,1,1,6,\n')
    assert read_samples(path, ["Pb"]).ids == ("1", "2")


def test_a_table_without_ids_counts_its_rows(table):
    assert read_samples(table("X,Y,Pb\n0,0,5\n1,1,6\n"), ["Pb"]).ids == ("row 1", "row 2")


def test_a_missing_field_is_named_with_those_there_are(table):
    with pytest.raises(InputError, match="no field 'Sb'; its fields are fid, x, y, Pb"):
        read_samples(table("fid,x,y,Pb\n1,0,0,5\n"), ["Sb"])


@pytest.mark.parametrize("text", ["", "fid,x,y,Pb\n", "fid,x,y,Pb\n1,0,0,NA\n"])
def test_a_table_without_samples_is_refused(table, text):
    with pytest.raises(InputError, match=r"empty|no sample"):
        read_samples(table(text), ["Pb"])


def test_no_element_or_one_twice_is_refused(table):
    path = table("fid,x,y,Pb\n1,0,0,5\n")
    with pytest.raises(InputError, match="No element"):
        read_samples(path, [])
    with pytest.raises(InputError, match="twice"):
        read_samples(path, ["Pb", "Pb"])


def test_an_unquoted_comma_is_told_apart_from_a_field(table):
    with pytest.raises(InputError, match=r"Row 1 of samples.csv has 5 fields and the header has 4"):
        read_samples(table("fid,x,y,Pb\n1,0,0,12,5\n"), ["Pb"])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.csv"):
        read_samples(tmp_path / "nowhere.csv", ["Pb"])


def test_duplicates_are_averaged_and_counted(table):
    path = table("fid,x,y,Pb,As\n1,0,0,10,<2\n2,5,5,7,7\n3,0,0,20,NA\n4,0,0,NA,4\n")
    merged = merge_duplicates(read_samples(path, ["Pb", "As"]))
    assert merged.ids == ("1", "2")
    np.testing.assert_array_equal(merged.values, [[15, 2.5], [7, 7]])
    assert merged.flags[0].tolist() == ["", "<"]
    assert [fid for fid, _ in merged.excluded] == ["3", "4"]


def test_duplicates_can_stay_as_one_group(table):
    path = table("fid,x,y,Pb,site\n1,0,0,1,A\n2,0,0,2,B\n3,9,9,3,B\n4,8,8,4,C\n")
    samples = read_samples(path, ["Pb"], group_field="site")
    kept = merge_duplicates(samples, "group")
    groups = kept.groups.tolist()
    assert len(kept) == 4
    # The place joins 1 with 2, the site 2 with 3.
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_an_unknown_rule_for_duplicates_is_refused(table):
    samples = read_samples(table("fid,x,y,Pb\n1,0,0,5\n"), ["Pb"])
    with pytest.raises(InputError, match="average or group"):
        merge_duplicates(samples, "first")


def test_what_is_not_kept_is_noted(table):
    samples = read_samples(table("fid,x,y,Pb\n1,0,0,5\n2,1,1,6\n"), ["Pb"])
    kept = samples.keep(np.array([True, False]), ["", "off the raster"])
    assert kept.ids == ("1",)
    assert kept.excluded == (("2", "off the raster"),)
    assert len(samples) == 2
