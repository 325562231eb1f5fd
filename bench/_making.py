"""Requests out of an OpenAPI document: what it asks for, what it nearly asks for, and what nobody asked for."""

import base64
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "null", "true", "-1", "0", "1e999", "9" * 40, "NaN", "²", "１２", "\u202e\u200b",
    "🙂" * 50, "'; DROP TABLE runs_run; --", "../../etc/passwd", "%00", "%s%n", "{{7*7}}", "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0", "x" * 300, "y" * 20_000, "\r\nSet-Cookie: a=b", "Infinity", "1_000", "٣", "\x7f\x1b[31m",
)  # fmt: skip
NUMBERS = (0, -1, 1, 2**31, 2**53, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308, 5e-324, True)
FILES = (
    b"", b"title,salary\n", b"title,salary\nEngineer,100000\n", b"title;salary\r\nA;1.234,56\r\nB;x\r\n",
    b"\x00\x01\x02", b"PK\x03\x04" + b"\x00" * 60, b"\xff\xfea\x00,\x00b\x00\n\x00", b'title,salary\n"open,1\n' * 5,
    b"1,Sales\n2,Legal\n", b"," * 5_000 + b"\n1\n", b"title,salary\n" + b"E,1\n" * 3_000,
)  # fmt: skip
GOOD_FILES = (
    b"title,salary\nEngineer,100000\nAnalyst,n/a\n", b"Job Title;Salary;Country\nA;1.234,56;Brasil\nB;x;US\n",
    b"1,Sales\n2,Legal\n", b"title,salary\n" + b"E,70000\n" * 3_000,
)  # fmt: skip
# What only a program that knows the other fields would write.
APT = {
    "column_map": {"title": "title", "salary": "salary"},
    "columns": {"title": 0, "salary": 1},
    "name": "a.csv",
    "wait": 0,
}
ROWS: dict[str, dict[str, Any]] = {
    "departments": {"id": 3, "department": "Legal"},
    "jobs": {"id": 2, "job": "Analyst"},
    "hired_employees": {
        "id": 1, "name": "Ana", "datetime": "2021-07-27T16:02:08Z", "department_id": 1, "job_id": 1,
    },
    "salary_records": {"title": "Engineer", "salary": 120_000, "country": "Brasil"},
}  # fmt: skip
DEAR = ("login", "register", "tokens_create", "users_create")  # a slow hash each: asked for less often
SPARED = 0.85  # of the requests to those
PASSWORD = "tall-Lantern-42 over the sea"  # noqa: S105 - of accounts that are gone with the benchmark
PART = b"title,salary\nEngineer,100000\n"  # an upload in one part
HEADERS = (
    "Idempotency-Key",
    "Accept",
    "Accept-Language",
    "If-None-Match",
    "X-Forwarded-For",
    "Range",
    "Origin",
)
QUERIES = (
    "limit",
    "cursor",
    "import",
    "title",
    "country",
    "year",
    "format",
    "state",
    "code",
    "seniority",
    "theme",
)


@dataclass
class Known:
    """What exists: ids that answers have named, so that requests get past the first 404."""

    ids: list[str] = field(default_factory=lambda: ["1"])
    uploads: list[str] = field(default_factory=lambda: [str(uuid.uuid4())])
    files: list[str] = field(default_factory=lambda: ["x.csv"])
    slugs: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    tokens: list[str] = field(
        default_factory=list
    )  # ids of those made meanwhile, not the ones that we call with
    account: str = ""  # the e-mail of one whose password is PASSWORD


@dataclass
class Made:
    """One request."""

    operation: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None


def _is_file(schema: dict[str, Any]) -> bool:
    return schema.get("format") == "binary" or "contentMediaType" in schema


class Maker:
    """Seeded. hostile: how often a value is one that nobody asked for."""

    def __init__(self, document: dict[str, Any], seed: int, known: Known) -> None:
        self.random = random.Random(seed)
        self.known = known
        self.calm = False  # this request is as the document wants it
        self.table = "departments"  # that its address names
        self.operation = ""
        self.schemas = document["components"]["schemas"]
        self.operations = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def make(self) -> Made:
        """A request to a random operation."""
        rnd = self.random
        self.calm = rnd.random() < 0.5
        method, path, operation = rnd.choice(self.operations)
        if rnd.random() < SPARED and any(word in operation["operationId"] for word in DEAR):
            method, path, operation = rnd.choice(self.operations)
        self.operation = operation["operationId"]
        query: list[tuple[str, str]] = []
        headers: dict[str, str] = {}
        target = path
        for parameter in operation.get("parameters", []):
            name, place = parameter["name"], parameter["in"]
            if place == "path":
                target = target.replace(f"{{{name}}}", quote(self.path_value(name, path), safe=""))
            elif parameter.get("required") or rnd.random() < 0.6:
                value = self.header_value(name, parameter) if place == "header" else self.text(parameter)
                if place == "header":
                    headers[name] = value
                else:
                    query.append((name, value))
        if not self.calm and rnd.random() < 0.5:
            query.append((rnd.choice(QUERIES), rnd.choice(TEXTS)))
        if rnd.random() < 0.1:
            headers[rnd.choice(HEADERS)] = self.plain(rnd.choice(TEXTS))
        if query:
            target += "?" + urlencode(query, errors="surrogatepass")
        body, kind = self.body(operation)
        if kind:
            headers["Content-Type"] = kind
        known_method = (
            method.upper() if rnd.random() < 0.98 else rnd.choice(["PUT", "PATCH", "OPTIONS", "HEAD"])
        )
        return Made(operation["operationId"], known_method, target, headers, body)

    def path_value(self, name: str, path: str) -> str:
        """A path parameter: mostly one that exists."""
        rnd = self.random
        if not self.calm and rnd.random() < 0.2:
            return rnd.choice(TEXTS).encode("utf-8", "replace").decode() or "-"
        by_name: dict[str, Sequence[str]] = {
            "slug": self.known.reports,
            "suffix": ["json", "csv", "svg", "png", "pdf"],
            "line": ["0", "1", "2", "3", "17", str(2**33)],
        }
        if name in {"table", "slug"} and "analytics" not in path:
            self.table = rnd.choice([slug for slug in self.known.slugs if slug in ROWS])
            return self.table
        if "tokens" in path:
            return rnd.choice([str(rnd.randint(1000, 2**64)), *self.known.tokens[-3:]])
        known = by_name.get(name) or (self.known.uploads if "uploads" in path else self.known.ids)
        return rnd.choice(known[-3:] if self.calm else known)

    @staticmethod
    def plain(text: str) -> str:
        """As a header can carry it."""
        return "".join(c for c in text if c.isprintable() and ord(c) < 256)[:2000]

    def header_value(self, name: str, parameter: dict[str, Any]) -> str:
        """A header that the document names."""
        rnd = self.random
        if not self.calm and rnd.random() < 0.2:
            return self.plain(rnd.choice(TEXTS))
        if name == "Tus-Resumable":
            return "1.0.0"
        if name == "Upload-Metadata":
            pairs = {
                "filename": rnd.choice(["a.csv", "a.xlsx", "a"]),
                "dataset": rnd.choice(self.known.slugs),
            }
            return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())
        if self.calm and name in {"Upload-Length", "Upload-Offset"}:
            return str(len(PART)) if name == "Upload-Length" else "0"
        if name in {"Upload-Length", "Upload-Offset"}:
            return str(rnd.choice([0, 0, 14, 30, 2**33, 2**70]))
        return self.plain(self.text(parameter))

    def text(self, parameter: dict[str, Any]) -> str:
        """A parameter of a query as text."""
        value = self.value(parameter.get("schema", {}), 0)
        return value if isinstance(value, str) else json.dumps(value)

    def body(self, operation: dict[str, Any]) -> tuple[bytes | None, str]:
        """(body, Content-Type)"""
        rnd = self.random
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return (b"{}", "application/json") if rnd.random() < 0.05 else (None, "")
        kind = rnd.choice(list(content))
        if not self.calm and rnd.random() < 0.06:
            return rnd.choice(
                [b"", b"{", b"[" * 5_000, b"\xff\xfe", b'{"a": NaN}', b"null", b'"x"', b"[]"]
            ), kind
        schema = content[kind].get("schema", {})
        if kind == "application/json":
            return json.dumps(self.value(schema, 0)).encode(), kind
        if kind == "application/offset+octet-stream":
            return PART if self.calm else rnd.choice(FILES), kind
        fields = self.value(schema, 0)
        fields = fields if isinstance(fields, dict) else {}
        if kind == "application/x-www-form-urlencoded":
            pairs = [(str(k), v if isinstance(v, str) else json.dumps(v)) for k, v in fields.items()]
            return urlencode(pairs, errors="surrogatepass").encode(), kind
        return self.multipart(fields, self.resolved(schema)), "multipart/form-data; boundary=fuzz"

    def multipart(self, fields: dict[str, Any], schema: dict[str, Any]) -> bytes:
        """A form with its files."""
        parts = []
        for name, value in fields.items():
            head = f'--fuzz\r\nContent-Disposition: form-data; name="{self.plain(name)}"'
            if _is_file(schema.get("properties", {}).get(name, {})):
                file = self.random.choice(
                    ["a.csv", "a.xlsx", "a.xls", "a.txt", "..", "é.csv", "a", "x" * 400 + ".csv"]
                )
                data = self.random.choice(FILES)
                if self.calm:
                    file, data = "a.csv", self.random.choice(GOOD_FILES)
                parts.append(f'{head}; filename="{file}"\r\n\r\n'.encode() + data)
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                parts.append(f"{head}\r\n\r\n".encode() + text.encode("utf-8", "replace"))
        return b"\r\n".join([*parts, b"--fuzz--", b""])

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema behind references."""
        while "$ref" in schema or schema.get("allOf") or schema.get("oneOf"):
            if "$ref" in schema:
                schema = self.schemas[schema["$ref"].rpartition("/")[2]]
            else:
                schema = self.random.choice(schema.get("oneOf") or schema["allOf"])
        return schema

    def value(self, schema: dict[str, Any], depth: int) -> Any:
        """A value as the schema wants it, or, one time in seven, as it does not."""
        rnd, schema = self.random, self.resolved(schema)
        if depth and not self.calm and rnd.random() < 0.2:
            return rnd.choice([*TEXTS, *NUMBERS, None, [], {}, [[[]]], {"a": {"b": []}}])
        if "enum" in schema:
            return rnd.choice(schema["enum"])
        kind = schema.get("type", "string")
        kind = rnd.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            return self.object_of(schema, depth)
        if kind == "array":
            longest = 1001 if schema.get("maxItems") == 1000 and rnd.random() < 0.02 else 4
            return [self.value(schema.get("items", {}), depth + 1)] * rnd.randint(0, longest)
        plain: dict[str, Sequence[Any]] = {
            "integer": [0, 1, 2, 5, 10, 2021, 120_000, 2**40],
            "number": [0, 1, 120_000, 1.5],
            "boolean": [True, False],
            "null": [None],
        }
        words = ["Engineer", "title", "salary", "USD", "Brasil", "1", "2021-07-27T16:02:08Z"]
        return rnd.choice(plain.get(kind) or [*words, *self.known.slugs, *self.known.files[-3:]])

    def person(self) -> dict[str, str]:
        """Of whom a calm request speaks: the known account, or a new one."""
        new = not any(word in self.operation for word in ("login", "tokens"))
        email = f"new-{self.random.getrandbits(48)}@bench.example" if new else self.known.account
        return {"email": email, "username": email, "password": PASSWORD}

    def object_of(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        """Its properties, some left out, now and then one too many."""
        rnd = self.random
        made = {
            name: self.value(inner, depth + 1)
            for name, inner in schema.get("properties", {}).items()
            if rnd.random() < (1.0 if self.calm else 0.9 if name in schema.get("required", ()) else 0.5)
        }
        if self.calm:
            made |= {name: value for name, value in {**APT, **self.person()}.items() if name in made}
            for name in {"rows", "data"} & set(made):
                table = str(made.get("table", ""))
                table = table if table in ROWS else self.table
                made |= {name: [ROWS[table]], **({"table": table} if "table" in made else {})}
        if "dataset" in made and rnd.random() < 0.9:
            made["dataset"] = rnd.choice(self.known.slugs)
        if "table" in made and rnd.random() < 0.9:
            made["table"] = rnd.choice(self.known.slugs)
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            names = [
                "id",
                "title",
                "salary",
                "department",
                "job",
                "name",
                "datetime",
                "department_id",
                "job_id",
            ]
            made |= {name: self.value(extra, depth + 1) for name in rnd.sample(names, rnd.randint(0, 6))}
        if not self.calm and rnd.random() < 0.1:
            made[rnd.choice(TEXTS)] = rnd.choice(TEXTS)
        return made
