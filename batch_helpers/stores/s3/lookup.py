"""One request about what a bucket holds: a page of its listing, or one key."""

from __future__ import annotations

from typing import Any

from batch_helpers.aws_client import required_member
from batch_helpers.errors import AmbiguousAnswer, CredentialsError, NotFound, ServiceError, Throttled, Unreachable
from batch_helpers.stores.base import Found
from batch_helpers.stores.s3.client import Gate
from batch_helpers.stores.s3.leapfrog import Ask, further
from batch_helpers.stores.s3.reader import ListPage, page_of

PAGE = 1000
"""Most keys on a page: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""


class Lookup:
    """Asks through a gate, from any thread, and asks again when something went wrong on the way."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._seen_buckets: set[str] = set()

    def page(self, bucket: str, ask: Ask, most: int = PAGE) -> ListPage:
        """A page of 1,000 keys at most. NotFound and AccessDenied are about the bucket."""
        more: dict[str, Any] = {"ContinuationToken": ask.token} if ask.token else {}
        if most < PAGE:
            more["MaxKeys"] = most
        return self._gate.patiently(self._page, bucket, Prefix=ask.prefix, StartAfter=ask.after, **more)

    def count(self, bucket: str, folder: str, enough: int) -> int:
        """How many keys begin with `folder`, counted up to `enough`; those that end with `/` are no objects."""
        number, ask = 0, Ask("", folder)
        while True:
            page = self.page(bucket, ask, most=enough - number + 1)
            number += sum(not key.endswith("/") for key in page.keys)
            if number >= enough or not page.truncated:
                return min(number, enough)
            ask = further(ask, page)

    def one(self, bucket: str, key: str) -> ListPage:
        """A page of this key alone, by HEAD, whose refusals carry no text.

        A 404 may be the bucket's, so that is asked once. What any other refusal means, a listing of the key tells.
        """
        try:
            found = self._gate.patiently(self._head, bucket, key)
            return ListPage([key], lambda _: found, truncated=False, token=None)
        except NotFound:
            if bucket not in self._seen_buckets:
                self._gate.patiently(self._head_bucket, bucket)
            return ListPage([], lambda _: Found(), truncated=False, token=None)
        except (AmbiguousAnswer, CredentialsError, Throttled, Unreachable):
            raise
        except ServiceError:
            return self._listed(bucket, key)

    def _listed(self, bucket: str, key: str) -> ListPage:
        """The first of the keys that begin with this one, which is itself if it is there."""
        ask = Ask("", key)
        while (page := self.page(bucket, ask)).truncated and not page.keys:
            ask = further(ask, page)
        return page

    def _page(self, bucket: str, **ask: Any) -> ListPage:
        doing = f"list s3://{bucket}/{ask['Prefix']}"
        with self._gate.turn(doing) as client:
            page = page_of(client.list_objects_v2(Bucket=bucket, **ask), doing)
        self._seen_buckets.add(bucket)
        return page

    def _head(self, bucket: str, key: str) -> Found:
        doing = f"look for s3://{bucket}/{key}"
        with self._gate.turn(doing) as client:
            answer = client.head_object(Bucket=bucket, Key=key)
            size = required_member(answer, "ContentLength", doing)
            modified = required_member(answer, "LastModified", doing)
        self._seen_buckets.add(bucket)
        return Found(size, modified.timestamp(), answer.get("ETag", "").strip('"') or None)

    def _head_bucket(self, bucket: str) -> None:
        with self._gate.turn(f"find the bucket s3://{bucket}") as client:
            client.head_bucket(Bucket=bucket)
        self._seen_buckets.add(bucket)
