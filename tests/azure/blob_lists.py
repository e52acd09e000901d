"""A stand-in for Blob Storage that only lists: fast, with pages as small as one likes, and it starts where it is told.

Azurite knows no startFrom, and takes half a gigabyte for twenty thousand blobs.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

Query = dict[str, str]


class Lists:
    """names: the blobs of its one container. page: most names on a page. asked: the queries that came."""

    def __init__(self, names: Sequence[str], page: int = 5000) -> None:
        self.names, self.page = sorted(names), page
        self.asked: list[Query] = []
        self.broken: list[bytes] = []

    def answer(self, query: Query) -> bytes:
        self.asked.append(query)
        if self.broken:
            return self.broken.pop()
        prefix = query.get("prefix", "")
        start = bisect_left(self.names, max(prefix, query.get("startFrom", "")))
        if "marker" in query:
            start = bisect_right(self.names, query["marker"].removeprefix("after "))
        end = bisect_left(self.names, prefix + "\U0010ffff") if prefix else len(self.names)
        size = min(int(query.get("maxresults", 5000)), self.page)
        shown = self.names[start : min(end, start + size)]
        marker = f"after {shown[-1]}" if shown and start + size < end else ""
        blobs = "".join(f"<Blob><Name>{escape(name)}</Name><Properties /></Blob>" for name in shown)
        text = f"<Blobs>{blobs}</Blobs><NextMarker>{escape(marker)}</NextMarker>"
        return f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults>{text}</EnumerationResults>'.encode()


@contextmanager
def listing(lists: Lists) -> Iterator[str]:
    """The endpoint of an account `account` that has it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lists))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/account"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(lists: Lists) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

        def do_GET(self) -> None:
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            content = lists.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("x-ms-version", "2026-02-06")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler
