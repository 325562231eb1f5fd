"""What a pay column says besides the amount: its header of all cells, a sign of its own cell."""

from market.reference import currencies

_BY_CODE = (
    "CAD AUD NZD CHF SEK NOK DKK PLN CZK HUF RON BGN TRY ILS SGD HKD CNY KRW ZAR AED SAR THB MYR PHP IDR VND "
    "PKR BDT NGN KES EGP UAH RUB"
)
_CURRENCIES = {
    "USD": "usd;us dollars;us dollar;dollars;dolares;US$",
    "EUR": "eur;euro;euros;€",
    "GBP": "gbp;pounds;sterling;libras;£",
    "BRL": "brl;reais;reales;R$",
    "INR": "inr;rupees;lpa;₹",
    "MXN": "mxn;pesos mexicanos",
    "ARS": "ars;pesos argentinos",
    "CLP": "clp;pesos chilenos",
    "COP": "cop;pesos colombianos",
    "PEN": "pen;soles",
    "UYU": "uyu",
    "JPY": "jpy;yen",
    **{code: code.lower() for code in _BY_CODE.split()},
}
_PERIODS = {
    "year": "annual;annually;yearly;per year;a year;per annum;pa;anual;anuales;por ano;por año;ao ano;al año;"
    "jährlich;pro Jahr;im Jahr;Jahresgehalt;Jahresbrutto;Bruttojahresgehalt;Jahresbruttogehalt;Jahreslohn",
    "month": "monthly;per month;a month;month;mensal;mensais;mensual;mensuales;por mes;ao mes;al mes;mes;"
    "monatlich;pro Monat;im Monat;Monatsgehalt;Bruttomonatsgehalt;Monatsbrutto;Monatslohn",
    "week": "weekly;per week;a week;semanal;por semana;wöchentlich;pro Woche;Wochenlohn",
    "day": "daily;per day;a day;diario;diaria;por dia;täglich;pro Tag;Tagessatz;Tageslohn",
    "hour": "hourly;per hour;an hour;hour;por hora;hora;la hora;pro Stunde;Stundenlohn;Stundensatz",
}
_SIGNS = {
    "USD": "US$ U$S",
    "BRL": "R$",
    "EUR": "€",
    "GBP": "£",
    "MXN": "MX$",
    "CAD": "C$ CA$",
    "AUD": "A$ AU$",
    "NZD": "NZ$",
    "HKD": "HK$",
    "SGD": "S$",
    "PEN": "S/",
    "INR": "₹",
    "KRW": "₩",
    "RUB": "₽",
    "TRY": "₺",
    "ILS": "₪",
    "PLN": "zł",
}
PAY_HINTS = (
    *((said, "currency", code) for code, texts in _CURRENCIES.items() for said in texts.split(";")),
    *((said, "period", period) for period, texts in _PERIODS.items() for said in texts.split(";")),
)


def pay_signs() -> dict[str, int]:
    """What stands beside an amount and names its currency → the currency's id. "$" and "¥" name several: not here."""
    ids = {code: pk for pk, (code, _name) in currencies().items()}
    codes = {code: pk for code, pk in ids.items() if pk}
    return {sign: ids[code] for code, signs in _SIGNS.items() for sign in signs.split()} | codes
