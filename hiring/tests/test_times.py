"""Hire times as people write them: one rule each, nothing guessed."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hiring.datasets import HIRED_EMPLOYEES
from ingest import reasons
from ingest.declarations import Style

KIND: Any = HIRED_EMPLOYEES.column("datetime").kind


def cleaned(text: str) -> str:
    """The moment in UTC, or why there is none; beside a plain one, so that both paths are walked."""
    verdicts = KIND.clean(pa.array(["2021-07-27T16:02:08Z", text]), Style(), "at")
    assert str(verdicts.outputs["at"][0]) == "2021-07-27T16:02:08.000000"
    return (
        str(verdicts.outputs["at"][1]) if verdicts.codes[1] == 0 else reasons.REASONS[verdicts.codes[1]].code
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-11-07T02:48:42Z", "2021-11-07T02:48:42.000000"),
        ("2021-11-07t02:48:42z", "2021-11-07T02:48:42.000000"),
        ("2021-11-07 02:48:42", "2021-11-07T02:48:42.000000"),
        ("2021-11-07T02:48", "2021-11-07T02:48:00.000000"),
        ("2021-11-07", "2021-11-07T00:00:00.000000"),
        ("2021-12-31T22:00:00-03:00", "2022-01-01T01:00:00.000000"),
        ("2021-01-01T01:00:00+05:30", "2020-12-31T19:30:00.000000"),
        ("2021-01-01T01:00:00+0200", "2020-12-31T23:00:00.000000"),
        ("2021-11-07T02:48:42.123456Z", "2021-11-07T02:48:42.123456"),
        ("2021-11-07T02:48:42.5Z", "2021-11-07T02:48:42.500000"),
        ("2021-11-07T02:48:42.123456000Z", "2021-11-07T02:48:42.123456"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000"),
        ("2000-02-29T23:59:59Z", "2000-02-29T23:59:59.000000"),
        ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00.000000"),
        ("2199-12-31T23:59:59Z", "2199-12-31T23:59:59.000000"),
    ],
)
def test_time_is_kept_in_utc(text: str, moment: str) -> None:
    assert cleaned(text) == moment


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2023-02-29T00:00:00Z", "not_a_time"),
        ("1900-02-29T00:00:00Z", "not_a_time"),
        ("2021-02-30T00:00:00Z", "not_a_time"),
        ("2021-13-01T00:00:00Z", "not_a_time"),
        ("2021-11-07T24:00:00Z", "not_a_time"),
        ("2021-11-07T23:59:60Z", "not_a_time"),
        ("2021-11-07T02:48:42.1234567Z", "not_a_time"),
        ("2021-11-07T02:48:42+15:00", "not_a_time"),
        ("2021-11-07T02:48:42 Lima", "not_a_time"),
        ("07/11/2021", "not_a_time"),
        ("1636253322", "not_a_time"),
        ("20211107", "not_a_time"),
        ("٢٠٢١-11-07", "not_a_time"),
        ("someday", "not_a_time"),
        ("0000-01-01T00:00:00Z", "date_out_of_range"),
        ("0001-01-01T00:00:00+01:00", "date_out_of_range"),
        ("1899-12-31T23:59:59Z", "date_out_of_range"),
        ("2200-01-01T00:00:00Z", "date_out_of_range"),
        ("9999-12-31T23:59:59-01:00", "date_out_of_range"),
    ],
)
def test_time_that_is_none_is_refused(text: str, code: str) -> None:
    assert cleaned(text) == code


def test_any_moment_survives_either_path() -> None:
    rng = np.random.default_rng(8)
    moments = np.datetime64("1900-01-01T00:00:00", "us") + rng.integers(0, 299 * 365 * 86_400 * 10**6, 2000)
    plain = [f"{text}Z" for text in np.datetime_as_string(moments).tolist()]
    odd = [text.replace("T", " ") for text in plain]
    for texts in (plain, odd):
        verdicts = KIND.clean(pa.array(texts), Style(), "at")
        assert not verdicts.codes.any()
        assert (verdicts.outputs["at"] == moments).all()
