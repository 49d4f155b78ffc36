"""Show a trained network on a local page: drop a photo, see the classes and where the network looked.

The page is on this machine only (127.0.0.1), and photos stay in memory.

Examples:
    python -m recipes.serve runs/vgg16_finetune/20260101T120000Z-seed42
    python -m recipes.serve runs/vgg16_finetune/20260101T120000Z-seed42 --port 8080
"""

from __future__ import annotations

import base64
import errno
import io
import json
import sys
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from recipes.console.command import Parser, guarded
from recipes.console.screen import Screen
from recipes.errors import BusyFault, EnvironmentFault

if TYPE_CHECKING:
    from recipes.files.manifest import Manifest
    from recipes.inference.predictor import Predictor

MOST_BYTES = 20_000_000
SHOWN = 10
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code; errors are one line on stderr."""
    return guarded(_command, arguments)


def parser() -> Parser:
    """The command line."""
    parse = Parser("serve", __doc__ or "")
    parse.add_argument("run", type=Path, metavar="RUN", help="the folder of a finished run")
    parse.add_argument("--port", type=int, default=8000, help="default 8000; 0 takes any that is free")
    parse.add_argument(
        "--host",
        default="127.0.0.1",
        help="default 127.0.0.1, this machine only; another lets others use it",
    )
    parse.add_import()
    return parse


def server(predictor: Predictor, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """A server for a predictor, not yet running; its address is in `server_address`.

    Raises:
        BusyFault: When the port is taken.
        EnvironmentFault: When the address cannot be had.
    """
    try:
        made = ThreadingHTTPServer((host, port), _Handler)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BusyFault(f"Port {port} of {host} is taken. Choose another: --port 0") from error
        raise EnvironmentFault(f"{host}, port {port} cannot be listened on: {error.strerror}") from error
    made.daemon_threads = True
    made.show = _Show(predictor, host)  # type: ignore[attr-defined]
    return made


class _Show:
    """What the page shows of a predictor."""

    def __init__(self, predictor: Predictor, host: str):
        from recipes import report

        self.predictor = predictor
        self.only_here = host in LOOPBACK
        self.one_at_a_time = threading.Lock()
        manifest = cast("Manifest", predictor.manifest)  # `load` gives one.
        self.page = report.render(
            "serve.html",
            title=manifest.recipe,
            accuracy=manifest.result.test_accuracy,
            data=manifest.data,
            class_names=predictor.class_names,
            most_megabytes=MOST_BYTES // 10**6,
        ).encode()

    def classify(self, content: bytes) -> dict[str, Any]:
        """Classes with probabilities or scores, the surest first; the photo with and without where the network looked.

        Raises:
            ValueError: When the bytes are no photo.
        """
        from recipes.data.decode import decode
        from recipes.report.pictures import overlay

        height, width, channels = self.predictor.image_shape
        pixels = decode(content, (height, width), channels)
        with self.one_at_a_time:
            row = self.predictor.probabilities(pixels[np.newaxis])[0]
            order = np.argsort(-row, kind="stable")[:SHOWN]
            heat = self._heat(pixels, order[:1])
        names = self.predictor.class_names
        return {
            "classes": [{"name": names[index], self.predictor.kind: float(row[index])} for index in order],
            "photo": _as_url(overlay(pixels, np.zeros_like(heat))),
            "overlay": _as_url(overlay(pixels, heat)),
        }

    def _heat(self, pixels: np.ndarray, index: np.ndarray) -> np.ndarray:
        """Where the network looked; nowhere, for one that has no convolution."""
        from recipes.inference import gradcam

        try:
            return gradcam.heatmaps(self.predictor.model, pixels[np.newaxis], index)[0]
        except ValueError:
            return np.zeros(pixels.shape[:2], "float32")


class _Handler(BaseHTTPRequestHandler):
    server_version = "recipes"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:  # noqa: N802 (the name http.server calls)
        if not self._is_welcome():
            return
        if self.path == "/":
            self._send(HTTPStatus.OK, self.server.show.page, "text/html; charset=utf-8")  # type: ignore[attr-defined]
        else:
            self._say(HTTPStatus.NOT_FOUND, "There is only the one page.")

    def do_POST(self) -> None:  # noqa: N802
        if not self._is_welcome():
            return
        length = self.headers.get("Content-Length", "")
        if self.path != "/classify":
            self._say(HTTPStatus.NOT_FOUND, "There is only the one page.")
        elif not length.isdecimal():
            self._say(HTTPStatus.LENGTH_REQUIRED, "The length of the photo is missing.")
        elif int(length) > MOST_BYTES:
            self.close_connection = True
            self._say(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The file is larger than {MOST_BYTES // 10**6} MB.",
            )
        else:
            try:
                found = self.server.show.classify(self.rfile.read(int(length)))  # type: ignore[attr-defined]
            except ValueError as error:
                self._say(HTTPStatus.UNPROCESSABLE_ENTITY, f"This cannot be read: {error}.")
            else:
                self._send(HTTPStatus.OK, json.dumps(found).encode(), "application/json")

    def _is_welcome(self) -> bool:
        """Refuse requests that another site makes a browser send to this machine."""
        name = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")
        origin = self.headers.get("Origin")
        is_ours = not self.server.show.only_here or name in LOOPBACK  # type: ignore[attr-defined]
        if is_ours and origin in (None, f"http://{self.headers.get('Host')}"):
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
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
            "connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        )
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Say nothing of each request."""


def _as_url(picture: Any) -> str:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _command(arguments: Sequence[str] | None) -> int:
    options = parser().parse(arguments)
    Screen()
    from recipes.console.backend import load_backend
    from recipes.files import manifest

    manifest.read(options.run)
    load_backend()
    from recipes.inference.predictor import load

    with server(load(options.run), options.host, options.port) as running:
        print(f"http://{options.host}:{running.server_address[1]}  (Ctrl-C ends)", flush=True)
        running.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
