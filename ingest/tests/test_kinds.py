"""Kinds of columns: what is read, what is refused, and that the vectorised path agrees with the other."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from ingest import reasons
from ingest.declarations import Style
from ingest.kinds import Choice, Date, Integer, Money, dates

ENGLISH = Style(thousands=",")
PORTUGUESE = Style(decimal=",", thousands=".")


def cleaned(kind: object, texts: list[str], style: Style) -> list[str]:
    verdicts = kind.clean(pa.array(texts), style, "x")  # type: ignore[attr-defined]
    return [reasons.REASONS[code].code for code in verdicts.codes]


@pytest.mark.parametrize(
    ("text", "style", "low", "high"),
    [
        ("1.234,56", PORTUGUESE, 123456, 0),
        ("1,234.56", ENGLISH, 123456, 0),
        ("1'234.56", Style(thousands="'"), 123456, 0),
        ("$120k", ENGLISH, 12_000_000, 0),
        ("R$ 9.850,50", PORTUGUESE, 985_050, 0),
        ("120-150k", ENGLISH, 12_000_000, 15_000_000),
        ("$137K-$171K", ENGLISH, 13_700_000, 17_100_000),
        ("R$ 8.001 a R$ 12.000", PORTUGUESE, 800_100, 1_200_000),
        ("USD 120,000", ENGLISH, 12_000_000, 0),
        ("120 mil", PORTUGUESE, 12_000_000, 0),
        ("71234.5678", ENGLISH, 7_123_457, 0),
        ("85000.0", ENGLISH, 8_500_000, 0),
    ],
)
def test_money_as_people_write_it(text: str, style: Style, low: int, high: int) -> None:
    verdicts = Money().clean(pa.array([text]), style, "pay")
    assert verdicts.codes.tolist() == [0]
    assert (verdicts.outputs["pay"][0], verdicts.outputs["pay_max"][0]) == (low, high)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1_000", "not_an_amount"),
        ("\u0663\u0664", "not_an_amount"),
        ("NaN", "not_an_amount"),
        ("Infinity", "not_an_amount"),
        ("1e5", "not_an_amount"),
        ("1,2345", "not_an_amount"),
        ("A combinar", "not_an_amount"),
        ("(1,000)", "amount_not_positive"),
        ("0", "amount_not_positive"),
        ("-5", "amount_not_positive"),
        ("1.234", "amount_ambiguous"),
        ("150k-120k", "range_reversed"),
        ("9999999999999", "amount_too_large"),
        ("999999999999999M", "amount_too_large"),
        ("9" * 200, "not_an_amount"),
    ],
)
def test_money_that_is_refused(text: str, code: str) -> None:
    assert cleaned(Money(), [text], ENGLISH) == [code]


@pytest.mark.parametrize("style", [ENGLISH, PORTUGUESE, Style(thousands="'"), Style(thousands=" "), Style()])
def test_money_read_by_its_shape_is_what_reading_one_by_one_gives(style: Style) -> None:
    rng = np.random.default_rng(5)
    signs = {"€": 978, "US$": 840, "R$": 986, "£": 826}
    marks = ["", "", "$", "€", "US$", "R$ ", "£", "EUR "]
    ends = ["", ".5", ".25", ",5", ",25", ".125", "k", "M", " mil", "-", "5,00,000", "x", " €"]
    texts = []
    for power, mark, end in zip(
        rng.integers(1, 14, 4000), rng.choice(marks, 4000), rng.choice(ends, 4000), strict=True
    ):
        number = int(rng.integers(0, 10 ** int(power)))
        grouped = f"{number:,}".replace(",", str(rng.choice([",", ".", "'", " "])))
        texts.append(f"{mark}{number if rng.random() < 0.3 else grouped}{end}".strip())
    money = Money(signs=signs)
    at_once = money.clean(pa.array(texts), style, "pay")
    one_by_one = [money.clean(pa.array([text]), style, "pay") for text in texts]
    for name, values in at_once.outputs.items():
        assert values.tolist() == [one.outputs[name][0] for one in one_by_one], name
    assert at_once.codes.tolist() == [one.codes[0] for one in one_by_one]
    assert 500 < np.count_nonzero(at_once.codes == 0) < 3900


@pytest.mark.parametrize("text", ["12 LPA", "5 MIL", "120 MIO", "XXX 1000"])
def test_money_with_letters_that_name_no_currency_is_refused(text: str) -> None:
    assert cleaned(Money(signs={"USD": 1}), [text, "USD 1000"], ENGLISH) == ["not_an_amount", "good"]


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2025", "", date(2025, 1, 1)),
        ("2025-06", "", date(2025, 6, 1)),
        ("03/04/2025", "dmy", date(2025, 4, 3)),
        ("03/04/2025", "mdy", date(2025, 3, 4)),
        ("13/04/2025", "", date(2025, 4, 13)),
        ("2021-07-27T16:02:08Z", "", date(2021, 7, 27)),
        ("3 de março de 2025", "", date(2025, 3, 3)),
        ("March 3, 2025", "", date(2025, 3, 3)),
    ],
)
def test_dates_as_people_write_them(text: str, order: str, expected: date) -> None:
    assert dates.parse(text, Style(date_order=order)) == expected  # type: ignore[arg-type]


def test_dates_that_are_refused() -> None:
    texts = ["03/04/2025", "2025-02-30", "someday", "1800", "2025-01-31"]
    codes = ["date_ambiguous", "not_a_date", "not_a_date", "date_out_of_range", "good"]
    assert cleaned(Date(), texts, Style()) == codes


def test_integers_within_bounds() -> None:
    texts = ["12", "12.0", "1,200", "-1", "x", "99999999999999999999"]
    codes = ["good", "good", "good", "integer_out_of_range", "not_an_integer", "integer_out_of_range"]
    assert cleaned(Integer(), texts, ENGLISH) == codes


def test_choice_knows_aliases_and_suggests_the_nearest() -> None:
    kind = Choice({0: "unknown", 1: "Junior", 2: "Senior"}, {"sênior": 2, "jr.": 1})
    assert kind.clean(pa.array(["SENIOR", "senior", "Jr", "x"]), Style(), "v").outputs["v"].tolist() == [
        2,
        2,
        1,
        0,
    ]
    assert "Senior" in kind.help("Sinior")
    assert "Junior, Senior" in kind.help("zzz")


def test_text_that_is_near_a_code_alone_gets_no_suggestion() -> None:
    kind = Choice({1: "Andorra", 2: "Mid", 3: "Peru"}, {"and": 1, "ad": 1, "per": 3})
    assert [kind.suggestion(text) for text in ("n.d.", "adn", "pe", "ab")] == ["", "", "", ""]
    codes = Choice({1: "BND", 2: "EUR"}, {})
    assert [codes.suggestion(text) for text in ("n.d.", "nd", "Eur0")] == ["", "", "EUR"]
    assert [kind.suggestion(text) for text in ("Andora", "Midd", "Perú.")] == ["Andorra", "Mid", "Peru"]
