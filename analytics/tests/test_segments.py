"""What a segment is packed from."""

import numpy as np
import pytest

from analytics.segments import month_codes


@pytest.mark.parametrize(
    "days", [["2024-01-31", "NaT", "2024-02-29"], ["0001-01-01", "9999-12-31"], ["NaT"], []]
)
def test_month_of_days_near_and_far_apart(days: list[str]) -> None:
    expected = [0 if day == "NaT" else int(day[:4]) * 12 + int(day[5:7]) - 1 for day in days]
    assert month_codes(np.array(days, "datetime64[D]")).tolist() == expected
    many = np.array(days * 30_000, "datetime64[D]")
    assert month_codes(many).tolist() == expected * 30_000
