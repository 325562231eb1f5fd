"""Django's WSGI application for servers that speak ASGI: a client that is slow, or stands still, holds no thread.

The event loop receives a body, into memory while it is small and then into an unnamed file beside the uploads; a
thread is taken once the body is whole. An answer goes out in one piece unless it is long; a long one holds its
thread for as long as its reader takes, but no longer than STALLED_SECONDS a piece. A body that is refused is read on
for a while after the answer: most clients send all of it before they look.
"""

import asyncio
import contextlib
import errno
import io
import logging
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import unquote_to_bytes

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
Wsgi = Callable[..., Iterable[bytes]]
Header = tuple[bytes, bytes]

PIECE = 1 << 16  # bytes of a body that wait in memory for the disk
AHEAD = 1 << 20  # bytes of an answer that are made before the first is sent
STALLED_SECONDS = 60.0  # without a byte of a body, or without room for a piece of an answer
DRAINED = 1 << 26  # bytes of a refused body that are read and thrown away, so that its sender sees the answer
DRAIN_SECONDS = 10.0
DISK_THREADS = 2
LENGTH = "CONTENT_LENGTH"


class Gone(Exception):
    """The client has hung up."""


class Unread(io.RawIOBase):
    """A body that was not received: whoever reads it learns why."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    def read(self, size: int | None = -1) -> NoReturn:
        raise OSError(self._number, os.strerror(self._number))

    def readline(self, size: int | None = -1) -> NoReturn:
        self.read(size)


@dataclass(frozen=True)
class Limits:
    """Bytes of a body: for every request, and, asked only for larger ones, for this one; room on the disk."""

    every: int
    this: Callable[[Environ], int]
    has_room: Callable[[int], bool]


@dataclass
class Answer:
    """What the application has said so far; `status` and `headers` come with its first piece."""

    status: int = 500
    headers: list[Header] = field(default_factory=list)

    def start(
        self, status: str, headers: list[tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], None]:
        """WSGI's start_response."""
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        return _no_write

    @property
    def head(self) -> Message:
        return {"type": "http.response.start", "status": self.status, "headers": self.headers}


class Received:
    """The ASGI application: `wsgi` in `threads` threads, bodies received into `folder` within `limits`."""

    def __init__(self, wsgi: Wsgi, *, folder: Path, limits: Limits, threads: int) -> None:
        self._wsgi = wsgi
        self._folder = folder
        self._limits = limits
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._disk = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="disk")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not spoken here")
        environ = environ_of(scope)
        try:
            unread = await self._receive(environ, receive)
        except Gone:
            return
        except TimeoutError:
            await send({"type": "http.response.start", "status": 408, "headers": [(b"connection", b"close")]})
            await send(body_message(b"Nothing has come for a while: send it again.\n", more=False))
            return
        loop = asyncio.get_running_loop()
        try:
            answer = partial(self._answer, environ, loop, send)
            *messages, last = await loop.run_in_executor(self._threads, answer)
            for message in messages:
                await send(message)
            if unread:  # a whole answer would close the connection: its last byte waits
                await send(body_message(last["body"][:-1], more=True))
                await _drain(receive)
                last = body_message(last["body"][-1:], more=False)
            await send(last)
        finally:
            environ["wsgi.input"].close()

    async def _receive(self, environ: Environ, receive: Receive) -> bool:
        """Put the whole body into `environ`, or what says why it was not received; whether more of it is to come."""
        limits = self._limits
        length = int(environ.get(LENGTH) or 0)
        unsaid = "HTTP_TRANSFER_ENCODING" in environ
        limit = limits.this(environ) if unsaid or length > limits.every else limits.every
        if length > limit:  # the application refuses it by its length
            environ["wsgi.input"] = Unread(errno.EFBIG)
        elif length > PIECE and not limits.has_room(length):
            environ["wsgi.input"] = Unread(errno.ENOSPC)
        else:
            body = Body(self._folder, self._disk)
            try:
                await body.receive(receive, limit)
            except TimeoutError:
                raise
            except OSError as error:
                logger.warning("a body could not be received: %s", error)
                environ[LENGTH] = str(max(length, body.size))
                environ["wsgi.input"] = Unread(error.errno or errno.EIO)
                return True
            environ[LENGTH] = str(body.size)
            environ["wsgi.input"] = body.file
            return False
        return "HTTP_EXPECT" not in environ  # who asks first sends nothing after a refusal

    def _answer(self, environ: Environ, loop: asyncio.AbstractEventLoop, send: Send) -> list[Message]:
        """Run the application in this thread; what is left to send. A long answer is sent from here."""
        answer = Answer()
        result = self._wsgi(environ, answer.start)
        try:
            made, pieces, started = bytearray(), iter(result), False
            for piece in pieces:
                made += piece
                if len(made) > AHEAD:
                    messages = [body_message(bytes(made), more=True)]
                    for message in messages if started else [answer.head, *messages]:
                        asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result(STALLED_SECONDS)
                    made, started = bytearray(), True
            last = body_message(bytes(made), more=False)
            return [last] if started else [answer.head, last]
        finally:
            if hasattr(result, "close"):
                result.close()


class Body:
    """A body as it comes in: `file` at its beginning once it is whole, `size` in bytes."""

    def __init__(self, folder: Path, disk: ThreadPoolExecutor) -> None:
        self.file: IO[bytes] = io.BytesIO()
        self.size = 0
        self._folder = folder
        self._disk = disk

    async def receive(self, receive: Receive, limit: int) -> None:
        """Raises Gone where the client hangs up, TimeoutError where nothing comes, OSError for a body of more
        than `limit` bytes and for a full disk.
        """
        loop = asyncio.get_running_loop()
        waiting, more = bytearray(), True
        try:
            while more:
                async with asyncio.timeout(STALLED_SECONDS):
                    message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                waiting += message.get("body", b"")
                more = message.get("more_body", False)
                if self.size + len(waiting) > limit:
                    self.size += len(waiting)
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
                if len(waiting) > PIECE:
                    await loop.run_in_executor(self._disk, self._write, bytes(waiting))
                    waiting.clear()
            if self.size:
                await loop.run_in_executor(self._disk, self._write, bytes(waiting))
            else:
                self.file.write(waiting)
                self.size = len(waiting)
            self.file.seek(0)
        except BaseException:
            self.file.close()
            raise

    def _write(self, piece: bytes) -> None:
        if not self.size:
            self._folder.mkdir(parents=True, exist_ok=True)
            self.file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - whoever answers closes it
        rest = memoryview(piece)
        while rest:
            rest = rest[self.file.write(rest) :]
        self.size += len(piece)


def environ_of(scope: Scope) -> Environ:
    """WSGI's environ of ASGI's scope, without the body."""
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", 0)
    path = unquote_to_bytes(scope["raw_path"]) if scope.get("raw_path") else scope["path"].encode()
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": scope.get("root_path", ""),
        "PATH_INFO": path.decode("latin-1"),
        "QUERY_STRING": scope.get("query_string", b"").decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "SERVER_NAME": str(server[0]) or "localhost",
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": str(client[0]),
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, value in scope["headers"]:
        if b"_" in raw:  # it would pass for the one with a hyphen
            continue
        name = raw.decode("latin-1").upper().replace("-", "_")
        key = name if name in {"CONTENT_TYPE", LENGTH} else f"HTTP_{name}"
        between = "; " if key == "HTTP_COOKIE" else ","
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}{between}{text}" if key in environ else text
    if not environ.get(LENGTH, "").isdecimal():
        environ.pop(LENGTH, None)
    return environ


def body_message(body: bytes, *, more: bool) -> Message:
    """A piece of an answer."""
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _drain(receive: Receive) -> None:
    """Read on what a refused client still sends, within DRAINED bytes and DRAIN_SECONDS."""
    left = DRAINED
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):  # the end, or it has hung up
                    return
                left -= len(message.get("body", b""))


async def _sent(send: Send, message: Message) -> None:
    await send(message)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("an application gives its pieces back")
