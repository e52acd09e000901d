"""S3Store: outputs in S3 buckets."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import Budget
from batch_helpers.errors import InvalidInput
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3.client import Gate
from batch_helpers.stores.s3.leapfrog import LONGEST_KEY
from batch_helpers.stores.s3.lookup import Lookup
from batch_helpers.stores.s3.objects import Objects
from batch_helpers.stores.s3.search import Search
from batch_helpers.uris import bucket_and_key


class S3Store:
    """A Store of `s3://bucket/key` URIs; the key is taken literally.

    access: whose account and which endpoint; nothing is called before the first question.
    ranges: the most requests under way at once. sleep: waits before a request is sent again, in seconds.
    budget: requests per second; by default one that all stores of this process share for an account and endpoint.
    """

    def __init__(
        self,
        access: AWSAccess,
        ranges: int = 32,
        *,
        sleep: Callable[[float], None] = time.sleep,
        budget: Budget | None = None,
    ) -> None:
        gate = Gate(access, ranges, sleep, budget)
        self._ranges, self._lookup, self._objects = ranges, Lookup(gate), Objects(gate)

    def find(self, uris: Collection[str], *, measured: Collection[str] = ()) -> dict[str, Found]:
        """Which of these exist; with size, date and ETag if any is measured: to read a million dates takes seconds.

        Sends no more requests than there are URIs, nor more than the pages of a full listing of the folders they span
        plus one for each range used: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
        """
        spelled: dict[str, dict[str, str]] = {}
        others: list[tuple[str, str, str]] = []
        for uri in uris:
            bucket, key = _place(uri)
            names = spelled.get(bucket)
            if names is None:
                names = spelled[bucket] = {}
            if names.setdefault(key, uri) != uri:
                others.append((uri, bucket, key))
        found = Search(self._lookup, self._ranges, measured=bool(measured)).run(spelled)
        answers = {spelled[bucket][key]: seen for bucket, keys in found.items() for key, seen in keys.items()}
        return answers | {uri: found[bucket][key] for uri, bucket, key in others if key in found[bucket]}

    def count(self, folders: Mapping[str, int]) -> dict[str, int]:
        """How many objects lie below each folder, counted up to the number given with it; no page more than that."""
        places = {folder: _place(folder) for folder in folders}
        if not places:
            return {}
        with ThreadPoolExecutor(min(self._ranges, len(places)), thread_name_prefix="s3-count") as crew:
            numbers = crew.map(lambda folder: self._lookup.count(*places[folder], folders[folder]), places)
            return dict(zip(places, numbers, strict=True))

    def read(self, uri: str) -> bytes:
        """The object's content; NotFound when there is none."""
        return self._objects.get(*_place(uri))

    def write(self, uri: str, data: bytes, *, only_if_absent: bool = False) -> bool:
        """Store up to 5 GB in one request: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        bucket, key = _place(uri)
        if only_if_absent:
            return self._objects.create(bucket, key, data)
        self._objects.put(bucket, key, data)
        return True

    def delete(self, uris: Collection[str]) -> None:
        """Remove these, a thousand in a request; those that are not there are no error."""
        doomed: dict[str, list[str]] = {}
        for bucket, key in dict.fromkeys(map(_place, uris)):
            doomed.setdefault(bucket, []).append(key)
        for bucket, keys in doomed.items():
            self._objects.delete(bucket, keys)


def _place(uri: str) -> tuple[str, str]:
    bucket, key = bucket_and_key(uri)
    if not bucket or not key or uri[:5].lower() != "s3://":
        raise InvalidInput(f"{uri!r} names no object: write s3://<bucket>/<key>")
    if not key.isascii() or len(key) > LONGEST_KEY:
        _check_key(uri, key)
    return bucket, key


def _check_key(uri: str, key: str) -> None:
    try:
        size = len(key.encode())
    except UnicodeEncodeError as exc:
        raise InvalidInput(f"{uri!r} is not Unicode text, so it cannot be a key of S3") from exc
    if size > LONGEST_KEY:
        raise InvalidInput(f"{uri!r} has a key of {size} bytes, and S3 takes {LONGEST_KEY}")
