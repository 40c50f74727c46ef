"""Teaching by a review: false findings fall on ground that nobody reviewed, and mines stay."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

from gossan.core.review.teaching import THRESHOLD
from gossan.examples.mine_review import SHIPPED, dry_area, search, teach

SIZE = 230


def test_a_review_of_one_dry_district_helps_on_another(tmp_path):
    reviewed = search(SHIPPED, dry_area(501, SIZE), tmp_path)
    other = search(SHIPPED, dry_area(504, SIZE), tmp_path)
    assert len(reviewed.false) >= 4, "there is something to learn from"
    assert len(other.false) >= 6, "and something to do better"
    assert all(other.mines())
    taught = teach(SHIPPED, reviewed, tmp_path)
    after = search(taught, dry_area(504, SIZE), tmp_path, threshold=THRESHOLD)
    assert len(after.false) <= len(other.false) / 2
    assert all(after.mines())
