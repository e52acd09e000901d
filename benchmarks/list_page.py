"""Client CPU for one LIST page of 1,000 keys: boto3's paginator, this package, and obstore (Rust) on one server.

    python -m benchmarks.list_page

The server runs in a process of its own, so its CPU is not counted. `find` is the whole way from URIs to answers, with
its threads; `page` is the reading alone. The bar holds for both: within 2x of obstore.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tabulate import tabulate

from benchmarks._s3_pages import BUCKET, PAGE, key, page_server

if TYPE_CHECKING:
    from batch_helpers.stores.s3.lookup import Lookup

PAGES, ROUNDS = 40, 3
BAR = 2.0


def main() -> None:
    """Print the table."""
    with page_server(PAGE * PAGES) as (url, _):
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


if __name__ == "__main__":
    main()
