"""What files write for countries, currencies, seniority and pay periods, beyond the official names."""

import gettext
from functools import cache

import pycountry

from market.models import Period, Seniority
from market.reference import countries, currencies

_COUNTRY_ALIASES = {
    "US": "USA;Vereinigte Staaten von Amerika;U.S.;U.S.A.;America;United States of America;Estados Unidos;"
    "Estados Unidos da América;"
    "Estados Unidos de América;EUA;EEUU;EE.UU.;EE UU;E.U.A.",
    "GB": "UK;U.K.;Großbritannien;Great Britain;Britain;England;Scotland;Wales;Northern Ireland;Reino Unido;Inglaterra;"
    "Gran Bretaña;Grã-Bretanha;Escócia;Escocia",
    "BR": "Brasil;Brésil;BRA",
    "DE": "Deutschland;Alemanha;Alemania",
    "NL": "Holland;The Netherlands;Holanda;Países Bajos;Países Baixos",
    "KR": "South Korea;Korea;Republic of Korea;Corea del Sur;Coreia do Sul;Corea",
    "KP": "North Korea;Corea del Norte;Coreia do Norte",
    "RU": "Russia;Rusia;Rússia",
    "CZ": "Czech Republic;Czechia;República Checa;Chequia;República Tcheca;Tchéquia",
    "AE": "UAE;U.A.E.;Emirates;Emiratos Árabes Unidos;Emirados Árabes Unidos;EAU",
    "VN": "Vietnam;Viet Nam;Vietnã",
    "TR": "Turkey;Türkiye;Turquía;Turquia",
    "IR": "Iran;Irán;Irã",
    "SY": "Syria;Siria;Síria",
    "LA": "Laos",
    "MD": "Moldova",
    "TZ": "Tanzania",
    "VE": "Venezuela",
    "BO": "Bolivia;Bolívia",
    "TW": "Taiwan;Taiwán",
    "HK": "Hong Kong SAR;Hongkong",
    "MO": "Macau;Macao",
    "CI": "Ivory Coast;Costa de Marfil;Costa do Marfim",
    "CD": "DR Congo;DRC;Congo Kinshasa;República Democrática del Congo",
    "CV": "Cape Verde;Cabo Verde",
    "MK": "North Macedonia;Macedonia",
    "SZ": "Swaziland;Eswatini",
    "MM": "Burma;Myanmar",
    "PS": "Palestine;Palestina",
    "ES": "España;Espanha",
    "FR": "França;Francia",
    "JP": "Japão;Japón",
    "MX": "México;Méjico",
    "PE": "Perú;Peru",
    "PA": "Panamá",
    "DO": "República Dominicana;Dominican Rep.",
    "CH": "Suíça;Suiza;Schweiz",
    "AT": "Österreich;Áustria",
    "PL": "Polska;Polônia;Polonia",
    "SG": "Singapura;Singapur",
    "ZA": "South Africa;África do Sul;Sudáfrica;RSA",
    "SA": "KSA;Arabia Saudita;Arábia Saudita",
    "NZ": "Nova Zelândia;Nueva Zelanda;Aotearoa",
    "PH": "The Philippines;Filipinas",
    "CN": "PRC;Mainland China",
    "IE": "Republic of Ireland;Eire;Irlanda",
    "XK": "Kosovo",
}
_CURRENCY_ALIASES = {
    "USD": "US$;U$S;US dollar;US dollars;dollar;dollars;dólar;dólares;dólar americano",
    "EUR": "€;euro;euros",
    "GBP": "£;pound;pounds;pound sterling;libra;libras;libra esterlina",
    "BRL": "R$;real;reais;reales;real brasileiro",
    "MXN": "MX$;peso mexicano;pesos mexicanos;Mexican peso",
    "ARS": "AR$;peso argentino;Argentine peso",
    "CLP": "CLP$;peso chileno;Chilean peso",
    "COP": "COL$;peso colombiano;Colombian peso",
    "PEN": "S/;S/.;sol;soles",
    "INR": "₹;rupee;rupees;Rs",
    "JPY": "yen;yenes;ienes",
    "CNY": "RMB;yuan;renminbi",
    "CAD": "C$;CA$;Canadian dollar;dólar canadense;dólar canadiense",
    "AUD": "A$;AU$;Australian dollar",
    "CHF": "SFr;Swiss franc;franco suíço;franco suizo;Schweizer Franken;Franken",
    "KRW": "₩;won",
    "RUB": "₽;ruble;rublo",
    "TRY": "₺;lira",
    "ILS": "₪;shekel;NIS",
    "PLN": "zł;zloty",
}
_SENIORITY = {
    Seniority.INTERN: "internship;trainee;apprentice;estágio;estagiário;estagiária;becario;becaria;"
    "pasante;prácticas;practicante;in;Praktikant;Praktikantin;Praktikum;Azubi;Auszubildende;Auszubildender;"
    "Werkstudent;Werkstudentin",
    Seniority.JUNIOR: "jr;jr.;júnior;entry;entry level;entry-level;en;associate;graduate;beginner;l1;i;"
    "Berufseinsteiger;Berufseinsteigerin;Einsteiger;Absolvent;Absolventin",
    Seniority.MID: "mi;mid level;mid-level;middle;intermediate;pleno;pl;semi senior;semi-senior;ssr;medior;"
    "regular;l2;ii;Berufserfahren;mit Berufserfahrung",
    Seniority.SENIOR: "se;sr;sr.;sênior;sénior;experienced;senior level;senior-level;l3;iii",
    Seniority.STAFF: "principal;distinguished;especialista;specialist;expert;st",
    Seniority.LEAD: "team lead;tech lead;técnico líder;líder;lider;líder técnico;manager;head;coordinator;"
    "gerente;coordenador;coordinador;ld;Leitung;Teamleiter;Teamleiterin;Teamleitung;Gruppenleiter;Führungskraft",
    Seniority.EXECUTIVE: "ex;executive level;executive-level;director;vp;c-level;cxo;diretor;"
    "ejecutivo;executivo;Geschäftsführer;Geschäftsführerin;Geschäftsführung;Vorstand;Direktor",
}
_PERIOD = {
    Period.YEAR: "yr;y;yearly;annual;annually;per year;a year;per annum;pa;ano;año;anual;por ano;por año;Jahr;jährlich;"
    "pro Jahr;im Jahr;p.a.",
    Period.MONTH: "mo;monthly;per month;a month;mês;mes;mensal;mensual;por mês;por mes;"
    "Monat;monatlich;pro Monat;im Monat",
    Period.WEEK: "wk;weekly;per week;a week;semana;semanal;por semana;Woche;wöchentlich;pro Woche",
    Period.DAY: "daily;per day;a day;dia;día;diária;diario;diario;por dia;por día;Tag;täglich;pro Tag",
    Period.HOUR: "hr;h;hourly;per hour;an hour;hora;por hora;Stunde;stündlich;pro Stunde;Std.",
}


def _spread(aliases: dict[str, str], ids: dict[str, int]) -> dict[str, int]:
    return {text: ids[code] for code, texts in aliases.items() for text in texts.split(";")}


@cache
def country_spellings() -> dict[str, int]:
    """Every way to write a country → its id: codes, names in four languages, aliases."""
    ids = {code: pk for pk, (code, _name) in countries().items() if pk}
    known: dict[str, int] = {}
    languages = [
        gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=[language], fallback=True)
        for language in ("de", "pt", "es", "pt_BR")
    ]
    for entry in pycountry.countries:
        number = int(entry.numeric)
        for key in ("name", "common_name", "official_name"):
            name = str(getattr(entry, key, entry.name))
            known[name] = number
            known.update({language.gettext(name): number for language in languages})
        known[entry.alpha_3] = known[entry.alpha_2] = number
    return known | ids | _spread(_COUNTRY_ALIASES, ids)


@cache
def currency_spellings() -> dict[str, int]:
    """Every way to write a currency → its id: codes, names, signs that mean one currency only."""
    ids = {code: pk for pk, (code, _name) in currencies().items() if pk}
    named = {name: pk for pk, (_code, name) in currencies().items() if pk}
    return named | ids | _spread(_CURRENCY_ALIASES, ids)


def seniority_spellings() -> dict[str, int]:
    """Further spellings of seniority → its number."""
    return {text: int(level) for level, texts in _SENIORITY.items() for text in texts.split(";")}


def period_spellings() -> dict[str, int]:
    """Further spellings of pay periods → their number."""
    return {text: int(period) for period, texts in _PERIOD.items() for text in texts.split(";")}
