"""Client CPU for one LIST page of 1,000 keys: boto3's paginator, this package, and obstore (Rust) on one server.

    python -m benchmarks.list_page

The server runs in a process of its own, so its CPU is not counted. `find` is the whole way from URIs to answers, with
its threads; `page` is the reading alone. The bar holds for both: within 2x of obstore.
"""

from __future__ import annotations

import re
import socketserver
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from tabulate import tabulate

if TYPE_CHECKING:
    from batch_helpers.stores.s3.lookup import Lookup

PAGE, PAGES, ROUNDS = 1000, 40, 3
BAR = 2.0
BUCKET = "cohort"

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


def key(number: int) -> str:
    """The key of one output; keys ascend with their numbers."""
    return f"project/cohort-2024/results/sample-{number:07d}/aligned.sorted.bam"


def main() -> None:
    """Print the table."""
    with page_server() as url:
        measured = {name: min(_cpu(ask) for _ in range(ROUNDS)) for name, ask in _readers(url).items()}
    yardstick = measured["obstore"]
    rows = [(name, f"{1000 * seconds:.1f}", f"{seconds / yardstick:.2f}") for name, seconds in measured.items()]
    print(f"CPU for a LIST page of {PAGE:,} keys ({PAGES} pages, best of {ROUNDS})")
    print(tabulate(rows, ["reader", "ms a page", "ratio to obstore"]))
    for name in ("batch_helpers page", "batch_helpers find"):
        ratio = measured[name] / yardstick
        print(f"{name}: ratio {ratio:.2f}, bar {BAR}: {'met' if ratio <= BAR else 'NOT MET'}")


def _readers(url: str) -> dict[str, Callable[[], int]]:
    import boto3
    import obstore
    from obstore.store import S3Store as Obstore

    from batch_helpers.aws_client import AWSAccess
    from batch_helpers.stores.s3 import S3Store
    from batch_helpers.stores.s3.client import Gate
    from batch_helpers.stores.s3.lookup import Lookup

    session = boto3.Session("testing", "testing", region_name="us-east-1")
    paginator = session.client("s3", endpoint_url=url).get_paginator("list_objects_v2")
    access = AWSAccess(session=session, endpoint_url=url)
    ours, lookup = S3Store(access), Lookup(Gate(access, 1, time.sleep))
    wanted = [f"s3://{BUCKET}/{key(number)}" for number in range(PAGE * PAGES)]
    theirs = Obstore(
        BUCKET,
        endpoint=url,
        region="us-east-1",
        access_key_id="testing",
        secret_access_key="testing",
        client_options={"allow_http": True},
    )
    return {
        "boto3 paginator": lambda: sum(len(page["Contents"]) for page in paginator.paginate(Bucket=BUCKET)),
        "batch_helpers page": lambda: _read_pages(lookup),
        "batch_helpers find": lambda: len(ours.find(wanted)),
        "obstore": lambda: sum(len(chunk) for chunk in obstore.list(theirs, chunk_size=PAGE)),
    }


def _read_pages(lookup: Lookup) -> int:
    from batch_helpers.stores.s3.leapfrog import Ask

    count, after = 0, ""
    while True:
        page = lookup.page(BUCKET, Ask(after, "project/"))
        count += len([page.found(place) for place in range(len(page.keys))])
        if not page.truncated:
            return count
        after = page.keys[-1]


def _cpu(ask: Callable[[], int]) -> float:
    started = time.process_time()
    keys = ask()
    spent = time.process_time() - started
    if keys != PAGE * PAGES:
        raise RuntimeError(f"{keys} keys came of {PAGE * PAGES}")
    return spent / PAGES


@contextmanager
def page_server() -> Iterator[str]:
    """A bucket of `PAGES` full pages on loopback, in a process of its own; yields its URL."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(announce: Connection) -> None:
    entries = [_ENTRY.format(key=key(n), day=1 + n % 28, number=n).encode() for n in range(PAGE * PAGES)]
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), partial(_Pages, entries)) as server:
        server.daemon_threads = True
        announce.send(server.server_address[1])
        server.serve_forever()


class _Pages(socketserver.StreamRequestHandler):
    def __init__(self, entries: list[bytes], *connection: Any) -> None:
        self.entries = entries
        super().__init__(*connection)

    def handle(self) -> None:
        while request := self.rfile.readline():
            while self.rfile.readline().strip():
                pass
            page = self._page(_first(request))
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n" % len(page)
            )
            self.wfile.write(page)

    def _page(self, first: int) -> bytes:
        shown = self.entries[first : first + PAGE]
        after = first + len(shown)
        token = b"<NextContinuationToken>%d</NextContinuationToken>" % after if after < len(self.entries) else b""
        head = _HEAD % (BUCKET.encode(), token, len(shown), b"true" if token else b"false")
        return head + b"".join(shown) + b"</ListBucketResult>"


def _first(request: bytes) -> int:
    """The number of the first key to send: a token is that number, `start-after` a key or what is just below one."""
    if token := _TOKEN.search(request):
        return int(token[1])
    if after := _START_AFTER.search(request):
        return int(after[1]) + (after[2] == b"m")
    return 0


if __name__ == "__main__":
    main()
