"""A server of one file on this machine that cuts, stalls, lies, redirects or answers with a page, as it is told."""

import ctypes
import http.server
import os
import signal
import socketserver
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
BODIES = ("good", "cut", "stall", "lie", "page", "redirect", "missing", "slow")
STALL = 600
SLOW = 0.6


def end_with_parent():
    """Let this child be killed when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Handler(http.server.BaseHTTPRequestHandler):
    server: "OneFileServer"

    def do_HEAD(self):
        self._head(200, 0)

    def do_GET(self):
        how, content = self.server.told.read_text(), self.server.file.read_bytes()
        if how == "redirect" and "again" not in self.path:
            self.send_response(302)
            self.send_header("Location", f"{self.path}?again")
            self.end_headers()
            return
        if how == "missing":
            self._head(404, 0)
            return
        if how == "page":
            content = b"<!DOCTYPE html><title>Sign in</title>"
        if how == "lie":
            content = content[:-1000] + bytes(1000)
        self._head(200, len(content))
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        if how == "cut":
            return
        time.sleep({"stall": STALL, "slow": SLOW}.get(how, 0))
        self.wfile.write(content[half:])

    def _head(self, status, size):
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


class OneFileServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    file: Path
    told: Path

    def handle_error(self, *_):
        """Who asked has been killed."""


class Server:
    """The server in a process of its own.

    Args:
        folder: Where it is told how to answer.

    Attributes:
        address: Where it answers.
    """

    def __init__(self, folder: Path):
        self._server = OneFileServer(("127.0.0.1", 0), Handler)
        self._server.told = folder / "answers_as.txt"
        self.answer("good")
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.pid = 0

    def start(self, file: Path):
        """Serve a file, in a child, until `stop`."""
        self._server.file = file
        self.pid = os.fork()
        if self.pid == 0:
            try:
                end_with_parent()
                null = os.open(os.devnull, os.O_RDWR)
                for number in (0, 1, 2):
                    os.dup2(null, number)
                self._server.serve_forever()
            finally:
                os._exit(0)
        self._server.socket.close()

    def answer(self, how: str):
        """Answer so from now on: one of `BODIES`."""
        self._server.told.write_text(how)

    def stop(self):
        """End the child."""
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
