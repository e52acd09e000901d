"""An S3 that answers 403 for what a policy does not allow; everything else is answered by moto behind it."""

from __future__ import annotations

import http.server
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.servers import moto_server, session

_DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@contextmanager
def denying_s3(*, readable: str, writable: str) -> Iterator[str]:
    """A bucket that may only be read, another one that may only be written; all others may not even be listed."""
    with moto_server() as behind:
        for bucket in (readable, writable):
            session().client("s3", endpoint_url=behind).create_bucket(Bucket=bucket)
        handler = partial(_Gate, behind, {"GET": readable, "HEAD": readable, "POST": writable, "DELETE": writable})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()


class _Gate(http.server.BaseHTTPRequestHandler):
    def __init__(self, behind: str, allowed: dict[str, str], *arguments: object) -> None:
        self._behind, self._allowed = behind, allowed
        super().__init__(*arguments)  # type: ignore[arg-type]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        bucket = self.path.lstrip("/").partition("/")[0].partition("?")[0]
        if bucket != self._allowed.get(self.command):
            self._send(403, _DENIED)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        request = urllib.request.Request(self._behind + self.path, body or None, headers, method=self.command)
        with urllib.request.urlopen(request, timeout=30) as answer:
            self._send(answer.status, answer.read())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def log_message(self, *_: object) -> None:
        pass

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815
