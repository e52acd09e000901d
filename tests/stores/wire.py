"""S3 as it looks on the wire: boto3's real client, with answers written by hand in place of the network."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse

from batch_helpers.aws_client import AWSAccess
from batch_helpers.budget import Budget
from tests.servers import session

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
DATE = "2024-05-01T12:34:56.000Z"
SECONDS = 1714566896.0


@dataclass(frozen=True)
class Request:
    """One request: `path` is decoded, `query` too."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def parse(request: Any) -> Request:
    """A request as botocore is about to send it."""
    url = urlsplit(request.url)
    host = f"/{url.netloc.split('.s3')[0]}" if ".s3" in url.netloc else ""
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    return Request(request.method, unquote(host + url.path), query, headers, bytes(body))


class Wire:
    """Answers the requests of one boto3 session; `requests` keeps them, `slept` the waits between.

    Making a session costs more than a test, so all wires share one, and the one made last answers.
    """

    access = AWSAccess(session=session())
    _listening: ClassVar[list[Wire]] = []

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.slept: list[float] = []
        self._now = 0.0
        self.budget = Budget(10_000, clock=lambda: self._now, sleep=self._pass)
        if not self._listening:
            self.session.events.register("before-send.s3", lambda request, **_: self._listening[0]._send(request))
        self._listening[:] = [self]

    @property
    def session(self) -> boto3.Session:
        assert self.access.session is not None
        return self.access.session

    def _pass(self, seconds: float) -> None:
        self._now += seconds

    def _send(self, request: Any) -> AWSResponse:
        made = parse(request)
        self.requests.append(made)
        answer = self.answer(made)
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def entry(key: str, size: int = 0, *, encoded: bool = True) -> str:
    """An entry of a LIST page as S3 writes it today."""
    name = quote_plus(key, safe="/") if encoded else escape(key)
    return (
        f"<Contents><Key>{name}</Key><LastModified>{DATE}</LastModified><ETag>&quot;e{size}&quot;</ETag>"
        f"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>"
        f"<Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def listing(entries: str = "", *, token: str | None = None, encoded: bool = True, after: str = "") -> bytes:
    """A LIST page of S3; `after` is what follows the entries."""
    head = "<EncodingType>url</EncodingType>" if encoded else ""
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{XMLNS}"><Name>b</Name><Prefix></Prefix>'
        f"{more}<KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys>{head}"
        f"<IsTruncated>{'true' if token else 'false'}</IsTruncated>{entries}{after}</ListBucketResult>"
    ).encode()


def refusal(
    code: str, status: int, message: str = "no reason", *, head: bool = False, region: str | None = None
) -> Answer:
    """An error of S3; HEAD has no body to say more."""
    headers = {"x-amz-bucket-region": region} if region else {}
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, b"" if head else body.encode(), headers)


_SESSION = (
    f"<CreateSessionResult xmlns='{XMLNS}'><Credentials><SessionToken>t</SessionToken><SecretAccessKey>s"
    "</SecretAccessKey><AccessKeyId>a</AccessKeyId><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    "</CreateSessionResult>"
).encode()


class Bucket:
    """An S3 bucket `bucket` with these keys, the size of each the length of its key; an `answer` for a Wire."""

    def __init__(self, keys: Collection[str], *, page: int = 1000, name: str = "bucket") -> None:
        self.keys = sorted(keys, key=str.encode)
        self.page, self.name = page, name

    def __call__(self, request: Request) -> Answer:
        _, bucket, *rest = request.path.split("/", 2)
        head = request.method == "HEAD"
        if "session" in request.query:
            return Answer(200, _SESSION)
        if bucket != self.name:
            return refusal("NoSuchBucket", 404, "The specified bucket does not exist", head=head)
        if request.method == "GET" and "list-type" in request.query:
            return self._list(request.query)
        key = rest[0] if rest else ""
        if head and not key:
            return Answer()
        if key not in self.keys:
            return refusal("NoSuchKey", 404, "The specified key does not exist.", head=head)
        length = {"Content-Length": str(len(key)), "Last-Modified": "Wed, 01 May 2024 12:34:56 GMT"}
        return Answer(200, b"", {**length, "ETag": f'"e{len(key)}"'})

    def _list(self, query: dict[str, str]) -> Answer:
        start, prefix = query.get("start-after", "").encode(), query.get("prefix", "")
        size = min(self.page, int(query.get("max-keys", 1000)))
        keys = [key for key in self.keys if key.encode() > start and key.startswith(prefix)]
        entries = "".join(entry(key, len(key)) for key in keys[:size])
        return Answer(200, listing(entries, token="more" if len(keys) > size else None))
