"""What receives bodies: slow clients hold no thread, what is too large is not received, long answers are whole."""

import asyncio
import errno
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import ApiToken, Role, User
from skillora.lib import receiving
from skillora.lib.receiving import AHEAD, PIECE, Limits, Received, environ_of
from skillora.tests.serving import Product

Environ = dict[str, Any]
LIMIT = 4 * PIECE


def scope(*headers: tuple[bytes, bytes], **changed: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": list(headers),
        **changed,
    }


def told(
    folder: Path,
    app: Callable[..., Iterable[bytes]],
    pieces: Iterable[bytes | None],
    *headers: tuple[bytes, bytes],
    room: bool = True,
) -> list[Any]:
    """What `app` behind Received sends to a client that sends `pieces`; None: it says nothing any more."""
    incoming: Iterator[bytes | None] = iter(pieces)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        piece = next(incoming, b"")
        if piece is None:
            await asyncio.sleep(3600)
            raise AssertionError("nobody waits that long")
        return (
            {"type": "http.request", "body": piece, "more_body": True} if piece else {"type": "http.request"}
        )

    async def send(message: Any) -> None:
        sent.append(message)

    limits = Limits(every=LIMIT, this=lambda _environ: LIMIT, has_room=lambda _size: room)
    asyncio.run(Received(app, folder=folder, limits=limits, threads=1)(scope(*headers), receive, send))
    return sent


def echo(environ: Environ, start: Any) -> list[bytes]:
    """Says the body, its length, or why it cannot be read."""
    try:
        body = environ["wsgi.input"].read()
    except OSError as error:
        body = os.strerror(error.errno or 0).encode()
    start("200 OK", [("X-Length", environ.get("CONTENT_LENGTH", "?"))])
    return [body]


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, LIMIT])
def test_body_arrives_whole(tmp_path: Path, size: int) -> None:
    body = os.urandom(size)
    pieces = [body[at : at + 10_000] for at in range(0, size, 10_000)]
    head, answer = told(tmp_path / "new", echo, pieces)
    assert answer["body"] == body
    assert head["headers"] == [(b"x-length", str(size).encode())]
    assert not list(tmp_path.glob("new/*"))


def test_body_over_its_limit_is_not_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "DRAIN_SECONDS", 0.05)
    declared = told(tmp_path, echo, [None], (b"content-length", str(LIMIT + 1).encode()))
    chunked = told(tmp_path, echo, [b"x" * LIMIT, b"x", None])
    for head, *answer in (declared, chunked):
        assert b"".join(one["body"] for one in answer) == os.strerror(errno.EFBIG).encode()
        assert int(head["headers"][0][1]) > LIMIT


def test_body_without_room_on_the_disk_is_not_received(tmp_path: Path) -> None:
    length = (b"content-length", str(LIMIT).encode())
    _head, *answer = told(tmp_path, echo, [b"x"], length, room=False)
    assert b"".join(one["body"] for one in answer) == os.strerror(errno.ENOSPC).encode()


def test_client_that_stalls_is_told_and_one_that_hangs_up_is_not_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "STALLED_SECONDS", 0.05)
    assert told(tmp_path, echo, [b"x", None])[0]["status"] == 408

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    served: list[Any] = []

    def app(environ: Environ, start: Any) -> list[bytes]:
        served.append(environ)
        return []

    limits = Limits(every=LIMIT, this=lambda _environ: LIMIT, has_room=lambda _size: True)
    asyncio.run(Received(app, folder=tmp_path, limits=limits, threads=1)(scope(), gone, served.append))  # type: ignore[arg-type]
    assert served == []


def test_long_answer_goes_out_in_order_and_is_closed(tmp_path: Path) -> None:
    closed = []

    class Long:
        def __iter__(self) -> Iterator[bytes]:
            yield from (bytes([n]) * (AHEAD // 3) for n in range(20))

        def close(self) -> None:
            closed.append(True)

    def app(environ: Environ, start: Any) -> Long:
        start("206 Partial", [])
        return Long()

    head, *rest = told(tmp_path, app, [])
    assert head["status"] == 206
    assert b"".join(one["body"] for one in rest) == b"".join(Long())
    assert [one["more_body"] for one in rest] == [True] * (len(rest) - 1) + [False]
    assert len(rest) > 2
    assert closed == [True]


def test_environ_is_what_wsgi_wants() -> None:
    made = environ_of(
        scope(
            (b"cookie", b"a=1"),
            (b"cookie", b"b=2"),
            (b"accept", b"x"),
            (b"accept", b"y"),
            (b"x_forwarded_for", b"6.6.6.6"),
            (b"content-type", b"text/csv"),
            raw_path=b"/caf%C3%A9%00",
            query_string=b"a=%C3%A9",
            client=("10.0.0.1", 5),
        )
    )
    assert (made["HTTP_COOKIE"], made["HTTP_ACCEPT"], made["CONTENT_TYPE"]) == ("a=1; b=2", "x,y", "text/csv")
    assert "HTTP_X_FORWARDED_FOR" not in made
    assert made["PATH_INFO"].encode("latin-1").decode() == "/café\0"
    assert (made["QUERY_STRING"], made["REMOTE_ADDR"]) == ("a=%C3%A9", "10.0.0.1")


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_stalled_uploads_hold_no_thread(product: Product) -> None:
    user = User.objects.create_user("e@example.com", None, role=Role.EDITOR)
    token = ApiToken.issue(user=user, lifetime=timedelta(days=1))[1]
    head = (
        f"POST /api/v1/imports HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n"
    )
    slow = []
    for _ in range(40):  # ten for each thread
        slow.append(socket.create_connection(("127.0.0.1", product.port)))
        slow[-1].sendall(head.encode())
    body = (
        b'--b\r\nContent-Disposition: form-data; name="dataset"\r\n\r\nsalary_records\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
        b"title,salary\nDev,1\n\r\n--b--\r\n"
    )
    visit = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    kind = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/form-data; boundary=b"}
    visit.request("POST", "/api/v1/imports", iter([body[:50], body[50:]]), kind, encode_chunked=True)
    answer = visit.getresponse()
    assert (answer.status, json.loads(answer.read())["size"]) == (201, len("title,salary\nDev,1\n"))
    for one in slow:
        one.close()


def test_refused_body_is_read_on_after_the_answer_within_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "DRAIN_SECONDS", 0.05)
    monkeypatch.setattr(receiving, "DRAINED", 3 * PIECE)
    length = (b"content-length", str(100 * PIECE).encode())
    for pieces, read in (([b"x" * PIECE] * 100, 3), ([b"x" * PIECE] * 2, 2), ([b"x", None], 1)):
        taken = iter(pieces)
        head, answer, end = told(tmp_path, echo, taken, length)
        assert head["status"] == 200
        assert answer["body"] + end["body"] == os.strerror(errno.EFBIG).encode()
        assert (answer["more_body"], len(end["body"]), end["more_body"]) == (True, 1, False)
        assert len([piece for piece in taken if piece]) == len([piece for piece in pieces if piece]) - read
    asked_first = told(tmp_path, echo, [None], length, (b"expect", b"100-continue"))
    assert [one.get("more_body") for one in asked_first] == [None, False]


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
@pytest.mark.parametrize("sent", ["whole", "chunked"])
def test_refusal_reaches_a_client_that_sends_everything_first(product: Product, sent: str) -> None:
    visit = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
    body = iter([b"x" * 2**20] * 24) if sent == "chunked" else b"x" * (24 << 20)
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    visit.request("POST", "/api/v1/imports", body, headers, encode_chunked=sent == "chunked")
    answer = visit.getresponse()
    assert answer.status == 401
    assert json.loads(answer.read())["status"] == 401


@pytest.mark.django_db(transaction=True)
@pytest.mark.integration
def test_large_file_of_a_stranger_is_refused_before_it_is_sent(product: Product) -> None:
    for path, more, status in (
        ("/api/v1/imports", "", 401),
        ("/api/v1/imports", "Authorization: Bearer x\r\n", 413),
    ):
        length = 20 * 1024**2 if status == 401 else 2**50
        with socket.create_connection(("127.0.0.1", product.port)) as visit:
            visit.sendall(
                f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}Content-Length: {length}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
            )
            assert visit.recv(100).split()[1] == str(status).encode()
