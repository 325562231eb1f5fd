"""Runs the curl lines of documents without curl: their quoting, -X, -H, -F, -d and -s, as curl means them."""

import http.client
import json
import shlex
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Call:
    """One curl line, taken apart."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    data: str | None = None
    stdin: bytes = b""

    @classmethod
    def of(cls, line: str) -> "Call":
        """Takes `printf … | curl …` apart too. ValueError for an option that no document uses."""
        words = shlex.split(line.replace("\\\n", " "))
        made = cls()
        if "|" in words:
            before = line[: line.index("| curl")]
            made.stdin = subprocess.run(["/bin/sh", "-c", before], capture_output=True, check=True).stdout
            words = words[words.index("|") + 1 :]
        rest = iter(words[1:])
        for word in rest:
            if word == "-X":
                made.method = next(rest)
            elif word == "-H":
                name, _colon, value = next(rest).partition(":")
                made.headers[name] = value.strip()
            elif word == "-F":
                made.parts.append(next(rest))
            elif word == "-d":
                made.data = next(rest)
            elif word == "-o":
                next(rest)
            elif word not in {"-s", "-sS"}:
                if word.startswith("-"):
                    raise ValueError(f"what does {word} mean?")
                made.url = word
        return made

    def send(self, *, folder: Path, headers: dict[str, str], timeout: float = 120.0) -> Answer:
        """The answer; files of -F lie in `folder`; `headers` come on top."""
        at = urlsplit(self.url)
        body, kind = self._body(folder)
        given = {k: v for k, v in self.headers.items() if not (self.parts and k.lower() == "content-type")}
        visit = http.client.HTTPConnection(at.hostname or "", at.port, timeout=timeout)
        target = at.path + (f"?{at.query}" if at.query else "")
        method = self.method or ("GET" if body is None else "POST")
        visit.request(method, target, body, {**({"Content-Type": kind} if kind else {}), **given, **headers})
        answer = visit.getresponse()
        return Answer(answer.status, answer.headers, answer.read())

    def _body(self, folder: Path) -> tuple[bytes | None, str]:
        if self.data is not None:
            return self.data.encode(), "application/x-www-form-urlencoded"
        if not self.parts:
            return None, ""
        boundary = uuid.uuid4().hex
        pieces = [self._part(part, folder) for part in self.parts]
        body = b"".join(b"--" + boundary.encode() + b"\r\n" + piece + b"\r\n" for piece in pieces)
        return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"

    def _part(self, part: str, folder: Path) -> bytes:
        name, _sign, value = part.partition("=")
        if not value.startswith("@"):
            return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        file, _semicolon, option = value[1:].partition(";filename=")
        content = self.stdin if file == "-" else (folder / file).read_bytes()
        shown = option or Path(file).name
        head = f'Content-Disposition: form-data; name="{name}"; filename="{shown}"\r\n'
        return (head + "Content-Type: text/csv\r\n\r\n").encode() + content
