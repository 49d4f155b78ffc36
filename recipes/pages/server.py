"""A server for one page on this machine, what stands beside it, and what it answers."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Protocol

from recipes.errors import BusyFault, EnvironmentFault, Fault
from recipes.pages.form import content_of

MOST_BYTES = 20_000_000
# Of the length that is said of it: more than are looked at make it too large all the same.
MOST_DIGITS = 20
HERE = "127.0.0.1"
LOOPBACK = (HERE, "localhost", "::1")
# Requests under way at once; one more is told to come again.
MOST_REQUESTS = 32
# How long what is too large is still read, in seconds: some clients hear the answer only after all is sent.
PATIENCE, SILENCE = 20, 2
log = logging.getLogger("recipes")


class Content(NamedTuple):
    """What stands at an address: bytes, and their media type."""

    body: bytes
    kind: str


class Page(Protocol):
    """A page in HTML, what stands beside it, and what it answers."""

    html: bytes

    def shown(self, path: str) -> Content | None:
        """What stands at a path; `None` where there is nothing."""

    def answered(self, path: str, content: bytes) -> dict[str, Any] | None:
        """The answer to what is sent to a path, JSON-ready; `None` where nothing is taken.

        Raises:
            ValueError: When that cannot be read.
            Fault: When it cannot be done.
        """


def server(page: Page, port: int = 0) -> ThreadingHTTPServer:
    """A server for a page on this machine alone, not yet running; its address is in `server_address`.

    Raises:
        BusyFault: When the port is taken.
        EnvironmentFault: When the port cannot be had.
    """
    try:
        return _Server(page, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BusyFault(f"Port {port} of {HERE} is taken. Choose another: --port 0") from error
        raise EnvironmentFault(f"{HERE}, port {port} cannot be listened on: {error.strerror}") from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # On Windows, two servers would share a port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, page: Page, port: int) -> None:
        super().__init__((HERE, port), _Handler)
        self.page = page
        self.free = threading.BoundedSemaphore(MOST_REQUESTS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with suppress(OSError):
            request.sendall(b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in a line what ended a request; nothing of a client that left."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            log.warning("warning: a request failed: %s: %s", type(error).__name__, error)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "recipes"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:  # noqa: N802 (the name http.server calls)
        if not self._is_welcome():
            return
        path = self.path.partition("?")[0]
        if path == "/":
            self._send(HTTPStatus.OK, self.server.page.html, "text/html; charset=utf-8")
        elif content := self.server.page.shown(path):
            self._send(HTTPStatus.OK, *content)
        else:
            self._say(HTTPStatus.NOT_FOUND, "There is only the one page.")

    do_HEAD = do_GET  # noqa: N815 (as above; `_send` leaves the body out)

    def do_POST(self) -> None:  # noqa: N802
        if not self._is_welcome():
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            self._say(HTTPStatus.LENGTH_REQUIRED, "The length of what is sent is missing.")
        elif int(length[:MOST_DIGITS]) > MOST_BYTES:
            self.close_connection = True
            self._say(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The file is larger than {MOST_BYTES // 10**6} MB.",
            )
            self._read_to_the_end(int(length[:MOST_DIGITS]))
        else:
            self._answer(self.rfile.read(int(length)))

    def _answer(self, body: bytes) -> None:
        try:
            content = content_of(self.headers.get("Content-Type", ""), body)
            answer = self.server.page.answered(self.path.partition("?")[0], content)
        except Fault as fault:
            self._say(HTTPStatus.CONFLICT, str(fault))
        except ValueError as error:
            self._say(HTTPStatus.UNPROCESSABLE_ENTITY, f"This cannot be read: {error}.")
        else:
            if answer is None:
                self._say(HTTPStatus.NOT_FOUND, "There is only the one page.")
                return
            self._send(HTTPStatus.OK, json.dumps(answer).encode(), "application/json")

    def _read_to_the_end(self, length: int) -> None:
        """Read what is sent and keep nothing, so that who sends it gets to read the answer."""
        self.wfile.flush()
        self.connection.settimeout(SILENCE)
        until = time.monotonic() + PATIENCE
        with suppress(OSError):
            while length > 0 and time.monotonic() < until and (part := self.rfile.read1(min(length, 1 << 20))):
                length -= len(part)

    def _is_welcome(self) -> bool:
        """Refuse requests that another site makes a browser send to this machine."""
        name = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]").lower()
        origin = self.headers.get("Origin")
        if name in LOOPBACK and origin in (None, f"http://{self.headers.get('Host')}"):
            return True
        self.close_connection = True
        self._say(HTTPStatus.FORBIDDEN, "Only pages of this server may ask.")
        return False

    def _say(self, status: HTTPStatus, words: str) -> None:
        self._send(status, json.dumps({"error": words}).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; img-src 'self' data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        )
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing of each request."""
