"""A stand-in for S3's listing and for a Batch queue without jobs, fast enough never to be what is measured."""

from __future__ import annotations

import re
import socketserver
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from benchmarks._process import Asked, served

BUCKET, PAGE = "cohort", 1000

_ENTRY = (
    "<Contents><Key>{key}</Key><LastModified>2024-05-{day:02d}T12:34:56.000Z</LastModified>"
    "<ETag>&quot;{number:032x}&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm>"
    "<ChecksumType>FULL_OBJECT</ChecksumType><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
_HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Name>%s</Name><Prefix></Prefix>%s<KeyCount>%d</KeyCount><MaxKeys>1000</MaxKeys>"
    b"<EncodingType>url</EncodingType><IsTruncated>%s</IsTruncated>"
)
_TOKEN = re.compile(rb"continuation-token=(\d+)")
_START_AFTER = re.compile(rb"start-after=\S*?sample-(\d+)%2Faligned\.sorted\.ba(.)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_NO_JOBS = b'{"jobSummaryList": []}'
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def key(number: int) -> str:
    """The key of one output; keys ascend with their numbers."""
    return f"project/cohort-2024/results/sample-{number:07d}/aligned.sorted.bam"


@contextmanager
def page_server(keys: int, latency: float = 0.0, busy: float = 0.0) -> Iterator[tuple[str, Asked]]:
    """A bucket of so many keys on loopback, in a process of its own; its URL, and what was asked since last time.

    latency: seconds before each answer. busy: the share of listings that is refused with SlowDown.
    """
    with served(_serve, keys, latency, busy) as found:
        yield found


def _serve(control: Connection, keys: int, latency: float, busy: float) -> None:
    entries = [_ENTRY.format(key=key(n), day=1 + n % 28, number=n).encode() for n in range(keys)]
    bucket = _Bucket(entries, latency, round(1 / busy) if busy else 0)
    with _Server(("127.0.0.1", 0), partial(_Connection, bucket)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        control.send(server.server_address[1])
        while True:
            control.recv()
            control.send(bucket.asked)
            bucket.asked = Counter()


class _Bucket:
    def __init__(self, entries: list[bytes], latency: float, every: int) -> None:
        self.entries, self.latency, self.every = entries, latency, every
        self.asked: Counter[str] = Counter()

    def answer(self, request: bytes) -> tuple[bytes, bytes]:
        """The status and the body."""
        method, _, rest = request.partition(b" ")
        name = "S3" if method == b"GET" else rest.partition(b" ")[0].rpartition(b"/")[2].decode()
        self.asked[name] += 1
        time.sleep(self.latency)
        if name != "S3":
            return b"200 OK", _NO_JOBS
        if self.every and self.asked[name] % self.every == 0:
            return b"503 Slow Down", _BUSY
        return b"200 OK", self._page(_first(request))

    def _page(self, first: int) -> bytes:
        shown = self.entries[first : first + PAGE]
        after = first + len(shown)
        token = b"<NextContinuationToken>%d</NextContinuationToken>" % after if after < len(self.entries) else b""
        head = _HEAD % (BUCKET.encode(), token, len(shown), b"true" if token else b"false")
        return head + b"".join(shown) + b"</ListBucketResult>"


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


class _Connection(socketserver.StreamRequestHandler):
    wbufsize = -1

    def __init__(self, bucket: _Bucket, *connection: Any) -> None:
        self.bucket = bucket
        super().__init__(*connection)

    def handle(self) -> None:
        while request := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()).strip():
                if found := _LENGTH.match(line):
                    length = int(found[1])
            self.rfile.read(length)
            status, body = self.bucket.answer(request)
            self.wfile.write(
                b"HTTP/1.1 %s\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            )
            self.wfile.write(body)
            self.wfile.flush()


def _first(request: bytes) -> int:
    """The number of the first key to send: a token is that number, `start-after` a key or what is just below one."""
    if token := _TOKEN.search(request):
        return int(token[1])
    if after := _START_AFTER.search(request):
        return int(after[1]) + (after[2] == b"m")
    return 0
