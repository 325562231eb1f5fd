"""Salary files as people name their columns: three languages, abbreviations, typos, and columns of no concern, seeded.

The phrases are this benchmark's own; what the dataset declares as its guesses is not looked at.
"""

import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

LANGUAGES = ("en", "pt", "es")
# Canonical column → language → how people head it, parted by semicolons.
PHRASES: dict[str, dict[str, str]] = {
    "title": {
        "en": "Job title;Current job title;Position title;Position held;Your role;Job role;"
            "Title of position;Occupation title",
        "pt": "Cargo;Cargo atual;Nome do cargo;Título do cargo;Função exercida;Vaga anunciada;"
            "Profissão",
        "es": "Puesto;Puesto de trabajo;Nombre del puesto;Cargo actual;Título del cargo;"
            "Ocupación actual",
    },
    "salary": {
        "en": "Annual pay;Gross salary;Base pay;Salary offered;Yearly salary;Total compensation;"
            "Current salary;Salary (gross);Comp",
        "pt": "Salário;Salário mensal;Salário bruto;Remuneração mensal;Salário oferecido;"
            "Remuneração total;Sal. bruto",
        "es": "Salario;Sueldo bruto;Sueldo mensual;Salario anual;Remuneración bruta;Sueldo ofrecido;"
            "Retribución",
    },
    "currency": {
        "en": "Currency;Currency code;Pay currency;Curr.;Salary currency (ISO);Currency of pay",
        "pt": "Moeda;Moeda do pagamento;Código da moeda;Moeda salarial",
        "es": "Moneda;Divisa;Código de moneda;Moneda de pago",
    },
    "country": {
        "en": "Country;Country of work;Office country;Country name;Country (ISO);"
            "Work location country",
        "pt": "País;País de trabalho;País da vaga;Nome do país;País de residência",
        "es": "País;País de trabajo;País del puesto;Nombre del país;País de residencia",
    },
    "seniority": {
        "en": "Seniority;Seniority level;Career level;Job level;Experience level;Level of seniority",
        "pt": "Senioridade;Nível;Nível de senioridade;Nível do cargo;Nível profissional",
        "es": "Seniority;Nivel;Nivel de seniority;Nivel profesional;Nivel del puesto",
    },
    "stack": {
        "en": "Tech stack;Skills;Required skills;Technologies used;Main technologies;Skill set",
        "pt": "Tecnologias;Stack;Tecnologias usadas;Habilidades técnicas;Conhecimentos exigidos",
        "es": "Tecnologías;Stack tecnológico;Habilidades;Tecnologías usadas;Conocimientos técnicos",
    },
    "period": {
        "en": "Pay period;Pay frequency;Salary period;Paid per;Pay basis;Frequency of pay",
        "pt": "Período;Periodicidade;Periodicidade do salário;Frequência de pagamento",
        "es": "Periodo;Periodicidad;Periodicidad del salario;Frecuencia de pago",
    },
    "salary_max": {
        "en": "Salary max;Maximum pay;Max. salary;Salary upper limit;Pay to;Salary range max",
        "pt": "Salário máximo;Salário até;Remuneração máxima;Teto salarial",
        "es": "Salario máximo;Salario hasta;Sueldo máximo;Remuneración máxima",
    },
    "company": {
        "en": "Company;Company name;Employer;Employer name;Organisation;Hiring company;Firm",
        "pt": "Empresa;Nome da empresa;Empregador;Empresa contratante;Organização",
        "es": "Empresa;Nombre de empresa;Empleador;Empresa contratante;Compañía",
    },
    "city": {
        "en": "City;City of work;Work city;Office city;Town;City name",
        "pt": "Cidade;Cidade da vaga;Município;Cidade de trabalho",
        "es": "Ciudad;Ciudad de trabajo;Municipio;Ciudad del puesto",
    },
    "date": {
        "en": "Date;Date posted;Posting date;Survey date;Posted on;Date of report;Published at",
        "pt": "Data;Data da publicação;Data da pesquisa;Publicado em;Data de referência",
        "es": "Fecha;Fecha de publicación;Fecha de la encuesta;Publicado el;Fecha de referencia",
    },
}  # fmt: skip
DISTRACTORS: dict[str, dict[str, str]] = {
    "number": {
        "en": "Row id;Employee ID;Age;Years of experience;Team size;Hours per week;Bonus %;"
            "Vacation days;Zip code;Rating;Remote ratio;No. of employees",
        "pt": "ID do registro;Matrícula;Idade;Anos de experiência;Tamanho da equipe;Horas por semana;"
            "CEP;Dias de férias;Nota",
        "es": "ID de registro;Número de empleado;Edad;Años de experiencia;Tamaño del equipo;"
            "Horas semanales;Código postal;Días de vacaciones",
    },
    "words": {
        "en": "Gender;Benefits;Comments;Department;Education;Industry;Contract type;Manager name;"
            "Work model;Source;Company size;E-mail;Recruiter",
        "pt": "Gênero;Benefícios;Observações;Departamento;Escolaridade;Setor;Tipo de contrato;Gestor;"
            "Modelo de trabalho;Fonte;Porte",
        "es": "Género;Beneficios;Observaciones;Departamento;Estudios;Sector;Tipo de contrato;"
            "Nombre del jefe;Modalidad;Fuente;Tamaño",
    },
}  # fmt: skip
PREFIXES = ("", "", "", "", "emp_", "job.", "f_", "1. ", "Q3: ", "col_", "data.")
SUFFIXES = ("", "", "", "", "*", " (required)", ":", " ?", "_1", " (obrigatório)")


@dataclass(frozen=True)
class HeadedFile:
    """A CSV and what each of its columns is, None = nothing of the dataset."""

    text: str
    truth: list[str | None]


def headed_file(rng: random.Random) -> HeadedFile:
    """One file: two required columns, some others, some distractors, in any order."""
    language = rng.choice(LANGUAGES)
    optional = [name for name in PHRASES if name not in ("title", "salary")]
    wanted: list[str | None] = ["title", "salary", *rng.sample(optional, rng.randint(2, 7))]
    kinds = [*wanted, *[None] * rng.randint(1, 5)]
    rng.shuffle(kinds)
    rows = rng.randint(25, 60)
    headers: list[str] = []
    columns: list[list[str]] = []
    for name in kinds:
        while True:
            header, cells = _column(rng, name, language, rows)
            if header not in headers:
                break
        headers.append(header)
        columns.append(cells)
    delimiter = rng.choice([",", ";", "\t"])
    lines = [headers, *map(list, zip(*columns, strict=True))]
    text = "\n".join(delimiter.join(_quoted(cell, delimiter) for cell in line) for line in lines) + "\n"
    return HeadedFile(text, kinds)


def _quoted(cell: str, delimiter: str) -> str:
    return f'"{cell}"' if delimiter in cell or "\n" in cell else cell


def _column(rng: random.Random, name: str | None, language: str, rows: int) -> tuple[str, list[str]]:
    if name is None:
        kind = rng.choice(list(DISTRACTORS))
        phrase, cell = rng.choice(DISTRACTORS[kind][language].split(";")), _distracting(rng, kind)
    else:
        phrase, cell = rng.choice(PHRASES[name][language].split(";")), CELLS[name](rng, language)
    empty = rng.choice([0.0, 0.0, 0.05, 0.3])
    return _headed(rng, phrase), ["" if rng.random() < empty else cell() for _ in range(rows)]


def _headed(rng: random.Random, phrase: str) -> str:
    """The phrase as a system or a hurried person writes it."""
    if rng.random() < 0.12 and len(phrase) > 6:
        at = rng.randrange(2, len(phrase) - 2)
        swapped = phrase[:at] + phrase[at + 1] + phrase[at] + phrase[at + 2 :]
        phrase = rng.choice([phrase[:at] + phrase[at + 1 :], swapped])
    if rng.random() < 0.2:
        phrase = unicodedata.normalize("NFKD", phrase).encode("ascii", "ignore").decode()
    words = phrase.split()
    shaped = rng.choice(
        [
            phrase,
            phrase,
            phrase.upper(),
            phrase.lower(),
            "_".join(words).lower(),
            "-".join(words),
            "".join(w.title() for w in words),
        ]
    )
    return rng.choice(PREFIXES) + shaped + rng.choice(SUFFIXES)


Cell = Callable[[], str]


def _any(rng: random.Random, texts: str) -> Cell:
    options = texts.split(";")
    return lambda: rng.choice(options)


def _title(rng: random.Random, language: str) -> Cell:
    return _any(rng, {
        "en": "Data Engineer;Sr. Accountant;Nurse;Backend dev;Project Manager;Welder;QA analyst;Sales Rep;UX designer",
        "pt": "Engenheiro de dados;Contador;Enfermeira;Dev backend;Gerente de projetos;Soldador;Vendedora;Designer",
        "es": "Ingeniero de datos;Contable;Enfermera;Programador;Jefe de proyecto;Soldador;Vendedor;Diseñadora",
    }[language])  # fmt: skip


def _pay(rng: random.Random, language: str) -> Cell:
    style = rng.choice(["plain", "grouped", "k", "signed", "european", "range"])

    def cell() -> str:
        amount = rng.randint(18, 240) * 500
        return {
            "plain": str(amount),
            "grouped": f"{amount:,}",
            "k": f"{amount / 1000:g}k",
            "signed": f"${amount:,.2f}",
            "european": f"{amount:,}".replace(",", ".") + ",00",
            "range": f"{amount}-{amount + 5000}",
        }[style]

    return cell


def _date(rng: random.Random, language: str) -> Cell:
    style = rng.choice(
        [
            "{y}-{m:02}-{d:02}",
            "{d:02}/{m:02}/{y}",
            "{y}-{m:02}-{d:02}T09:00:00",
            "{d:02}.{m:02}.{y}",
            "{m:02}/{d:02}/{y}",
        ]
    )
    return lambda: style.format(y=rng.randint(2015, 2025), m=rng.randint(1, 12), d=rng.randint(1, 28))


def _stack(rng: random.Random, language: str) -> Cell:
    known = ["Python", "SQL", "React", "Java", "Go", "AWS", "Docker", "Excel", "Node", "Kafka"]
    sign = rng.choice([", ", "; ", " | ", ","])
    return lambda: sign.join(rng.sample(known, rng.randint(1, 4)))


CELLS: dict[str, Callable[[random.Random, str], Cell]] = {
    "title": _title,
    "salary": _pay,
    "salary_max": _pay,
    "currency": lambda rng, _: _any(rng, rng.choice(["USD;EUR;BRL", "BRL", "US$;R$;€", "usd;gbp;eur;mxn"])),
    "country": lambda rng, _: _any(
        rng, rng.choice(["Brazil;Spain;Chile;US", "BR;US;PT;DE", "Brasil;México;Perú", "BRA;USA;ESP;Brasill"])
    ),
    "seniority": lambda rng, _: _any(
        rng, rng.choice(["Junior;Mid;Senior", "Jr;Pleno;Sr", "Júnior;Pleno;Sênior;Trainee", "EN;MI;SE;EX"])
    ),
    "stack": _stack,
    "period": lambda rng, _: _any(
        rng, rng.choice(["month;year", "mensal", "anual;mensual", "Yearly;Hourly", "per month"])
    ),
    "company": lambda rng, _: _any(rng, "Acme Ltd;Globex;Initech SA;Casa Verde;Umbrella & Co;Hooli;Banco Azul"),
    "city": lambda rng, _: _any(rng, "São Paulo;Lisboa;Madrid;Recife;Leeds;Austin;Lima;Porto"),
    "date": _date,
}  # fmt: skip


def _distracting(rng: random.Random, kind: str) -> Cell:
    if kind == "number":
        top = rng.choice([5, 40, 100, 99999])
        return lambda: str(rng.randint(1, top))
    words = rng.choice(
        [
            "Male;Female;Other",
            "yes;no",
            "Health plan;Gym;None",
            "Finance;IT;Health",
            "CLT;PJ;Full-time",
            "Ana;Bruno;Carla;Diego",
            "Bachelor;Master;PhD",
            "S;M;L",
            "see the annex;ok;to do",
        ]
    )
    return _any(rng, words)
