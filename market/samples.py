"""Synthetic pay data: skewed by seniority, country and stack, spelled as people do. None of it is real."""

import numpy as np

# Title → yearly US dollars of a mid-level person in the United States.
_TITLES = {
    "Software Engineer": 128_000,
    "Backend Engineer": 131_000,
    "Frontend Engineer": 119_000,
    "Fullstack Engineer": 124_000,
    "Mobile Engineer": 123_000,
    "Data Engineer": 133_000,
    "Data Scientist": 138_000,
    "Data Analyst": 92_000,
    "Machine Learning Engineer": 156_000,
    "DevOps Engineer": 130_000,
    "Site Reliability Engineer": 142_000,
    "Security Engineer": 141_000,
    "QA Engineer": 94_000,
    "Product Manager": 139_000,
    "Engineering Manager": 168_000,
    "Business Intelligence Analyst": 90_000,
    "UX Designer": 104_000,
    "Solutions Architect": 151_000,
    "Database Administrator": 103_000,
    "Technical Writer": 86_000,
}
_STACKS = {
    "Node,Express,React": 1.0,
    "Python,FastAPI,React": 1.05,
    "Python,Django,PostgreSQL": 1.03,
    "Java,Spring,Angular": 0.99,
    "C#,DotNet,Azure": 0.97,
    "Go,Postgres,Vue": 1.1,
    "Ruby,Rails,JS": 1.02,
    "PHP,Laravel,MySQL": 0.84,
    "Rust,Kafka,AWS": 1.18,
    "Scala,Spark,Airflow": 1.14,
    "Kotlin,Android": 1.01,
    "Swift,iOS": 1.04,
    "SQL,dbt,Looker": 0.95,
    "": 1.0,
}
# Level → (factor, share, spellings)
_LEVELS: dict[str, tuple[float, float, tuple[str, ...]]] = {
    "Intern": (0.42, 0.04, ("Intern", "Estágio", "internship")),
    "Junior": (0.66, 0.2, ("Junior", "Jr", "junior", "Júnior", "Entry level")),
    "Mid": (1.0, 0.32, ("Mid", "Pleno", "mid-level", "Semi Senior")),
    "Senior": (1.36, 0.29, ("Senior", "Sr.", "Sênior", "SENIOR")),
    "Staff": (1.72, 0.06, ("Staff", "Principal")),
    "Lead": (1.6, 0.07, ("Lead", "Tech Lead", "Líder")),
    "Executive": (2.3, 0.02, ("Executive", "Director")),
}
# Code → (factor, share, spellings, currency, units per dollar, period, cities)
_COUNTRIES: dict[str, tuple[float, float, tuple[str, ...], str, float, str, tuple[str, ...]]] = {
    "US": (
        1.0,
        0.38,
        ("United States", "USA", "US", "Estados Unidos"),
        "USD",
        1,
        "year",
        ("New York", "Austin", "Seattle"),
    ),
    "BR": (0.33, 0.18, ("Brazil", "Brasil", "BR"), "BRL", 5.4, "month", ("São Paulo", "Recife", "Curitiba")),
    "GB": (0.72, 0.1, ("United Kingdom", "UK", "GB"), "GBP", 0.78, "year", ("London", "Manchester", "Leeds")),
    "MX": (0.36, 0.08, ("Mexico", "México", "MX"), "MXN", 18.2, "month", ("Ciudad de México", "Monterrey")),
    "DE": (
        0.7,
        0.07,
        ("Germany", "Deutschland", "DE"),
        "EUR",
        0.92,
        "year",
        ("Berlin", "München", "Hamburg"),
    ),
    "ES": (0.48, 0.06, ("Spain", "España", "ES"), "EUR", 0.92, "year", ("Madrid", "Barcelona", "Valencia")),
    "PT": (0.42, 0.04, ("Portugal", "PT"), "EUR", 0.92, "year", ("Lisboa", "Porto")),
    "CA": (0.8, 0.05, ("Canada", "Canadá", "CA"), "CAD", 1.36, "year", ("Toronto", "Vancouver")),
    "IN": (0.27, 0.04, ("India", "IN"), "INR", 83.0, "year", ("Bengaluru", "Pune", "Hyderabad")),
}
_FIRST = [
    "Acme",
    "Nova",
    "Blue",
    "Vertex",
    "Lumen",
    "Orbit",
    "Cedar",
    "Delta",
    "Prime",
    "Atlas",
    "Faro",
    "Sol",
    "Rio",
    "Andes",
    "Norte",
    "Zephyr",
]
_SECOND = [
    "Labs",
    "Systems",
    "Tech",
    "Data",
    "Soft",
    "Cloud",
    "Digital",
    "Works",
    "Group",
    "Analytics",
    "Health",
    "Pay",
    "Logistics",
    "Energia",
]
_FIRST_DAY, _DAYS = np.datetime64("2023-01-01"), 1000


def salary_sample(rng: np.random.Generator, rows: int, start: int = 0) -> dict[str, list[str]]:
    """`rows` clean rows, canonical name → texts; amounts as plain digits with two decimals."""
    titles, stacks = list(_TITLES), list(_STACKS)
    levels, places = list(_LEVELS.values()), list(_COUNTRIES.values())
    title = rng.integers(0, len(titles), rows)
    stack = rng.integers(0, len(stacks), rows)
    level = rng.choice(len(levels), rows, p=[share for _factor, share, _texts in levels])
    place = rng.choice(len(places), rows, p=np.array([p[1] for p in places]) / sum(p[1] for p in places))
    dollars = (
        np.array(list(_TITLES.values()), np.float64)[title]
        * np.array(list(_STACKS.values()))[stack]
        * np.array([factor for factor, _share, _texts in levels])[level]
        * np.array([p[0] for p in places])[place]
        * rng.lognormal(0, 0.17, rows)
    )
    local = dollars * np.array([p[4] / (12 if p[5] == "month" else 1) for p in places])[place]
    cents = np.rint(local / 10).astype(np.int64) * 1000 + rng.choice([0, 0, 0, 50], rows)
    spelled = rng.integers(0, 1 << 30, rows)
    company = rng.zipf(1.6, rows) % (len(_FIRST) * len(_SECOND))
    days = (_FIRST_DAY + rng.integers(0, _DAYS, rows)).astype(str)
    return {
        "title": [titles[i] for i in title],
        "salary": [f"{c // 100}.{c % 100:02d}" for c in cents.tolist()],
        "currency": [places[i][3] for i in place],
        "period": [places[i][5] for i in place],
        "country": [places[i][2][s % len(places[i][2])] for i, s in zip(place, spelled, strict=True)],
        "city": [places[i][6][s % len(places[i][6])] for i, s in zip(place, spelled, strict=True)],
        "seniority": [levels[i][2][s % len(levels[i][2])] for i, s in zip(level, spelled, strict=True)],
        "stack": [stacks[i] for i in stack],
        "company": [f"{_FIRST[i % len(_FIRST)]} {_SECOND[i // len(_FIRST)]}" for i in company],
        "date": days.tolist(),
    }
