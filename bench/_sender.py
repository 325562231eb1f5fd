"""Somebody who uploads files over HTTP while web is killed, and sends each again until it is answered."""

import contextlib
import http.client
import json
import threading
import time
from dataclasses import dataclass, field

from bench._world import World

BOUNDARY = "bench"
ROWS = 3_000  # of a file
TAKEN = {200, 201, 202, 409}  # 409: it was taken before, and the answer was lost


@dataclass
class Sender:
    """Uploads a file after the other, each of ROWS rows like no other's, mapped and submitted in the same call."""

    here: World
    files: int = 0
    broken: int = 0  # requests that ended without an answer, and were sent again
    refused: list[str] = field(default_factory=list)
    wanted: threading.Event = field(default_factory=threading.Event)  # files are sent while it is set
    in_flight: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._token = self.here.command(
            "token", "sender@bench.example", "--create", "--role", "editor"
        ).strip()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End once the file at hand is answered."""
        self._over.set()
        self.wanted.set()
        self._thread.join()

    def _work(self) -> None:
        while self.wanted.wait() and not self._over.is_set():
            body = self._body(self.files + 1)
            while self._sent(body) not in TAKEN:
                self.broken += 1
                time.sleep(0.1)
            self.files += 1

    def _body(self, number: int) -> bytes:
        rows = "".join(f"Sender {number},{30_000 + n}\n" for n in range(ROWS))
        fields = (
            ("dataset", "", "salary_records"),
            ("fill", "", "true"),
            (
                "file",
                f'; filename="sent-{number}.csv"\r\nContent-Type: text/csv',
                f"title,salary\n{rows}",
            ),
        )
        parts = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
            for name, more, value in fields
        )
        return f"{parts}--{BOUNDARY}--\r\n".encode()

    def _sent(self, body: bytes) -> int:
        """The answer's status; 0: there was none."""
        visit = http.client.HTTPConnection("127.0.0.1", self.here.port, timeout=60)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Authorization": f"Bearer {self._token}",
        }
        with contextlib.closing(visit), contextlib.suppress(OSError, http.client.HTTPException):
            visit.connect()
            self.in_flight.set()
            visit.request("POST", "/api/v1/imports", body, headers)
            answer = visit.getresponse()
            said = answer.read()
            self.in_flight.clear()
            if answer.status not in TAKEN and answer.status < 500:
                self.refused.append(json.dumps([answer.status, said[:200].decode()]))
            return answer.status
        self.in_flight.clear()
        return 0
