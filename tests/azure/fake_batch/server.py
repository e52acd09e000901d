"""The fake over a real socket, to which the SDK's unmodified clients talk."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from tests.azure.fake_batch import arm, auth, odata
from tests.azure.fake_batch.refusal import Refusal
from tests.azure.fake_batch.service import Service

API_VERSION = "2025-06-01"
MOST_PER_PAGE = 1000


class Request:
    """What a route is given."""

    def __init__(self, parts: tuple[str, ...], query: Mapping[str, str], text: bytes, base: str, target: str) -> None:
        self.parts, self.query, self.base, self.target = parts, query, base, target
        self.size = len(text)
        self.body: Any = json.loads(text) if text else None


class Answer:
    def __init__(self, status: int = 200, body: Any = None, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.headers = status, dict(headers or {})
        self.content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()


Route = Callable[[Service, Request], Answer]
Fault = Callable[["FakeBatch", Callable[[], Answer]], Answer | None]
"""Happens instead of a request; it may carry it out. None closes the connection without an answer."""


class FakeBatch:
    """A running service. `calls` are the requests that arrived; `faults` happen to the next requests that match.

    Use `fake_batch`. service: what is in the account.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.calls: list[str] = []
        self.faults: deque[tuple[str, Fault]] = deque()
        self.url = ""

    def count(self, pattern: str) -> int:
        """How many calls match, such as `POST /jobs/[^/]+/addtaskcollection`."""
        return sum(re.match(pattern, call) is not None for call in self.calls)

    def fail(self, pattern: str, fault: Fault) -> None:
        """Let a fault happen to the next call that matches."""
        self.faults.append((pattern, fault))

    def handle(self, method: str, target: str, headers: Mapping[str, str], text: bytes) -> Answer | None:
        call = f"{method} {urlsplit(target).path}"
        self.calls.append(call)
        fault = next((item for item in self.faults if re.match(item[0], call)), None)
        if fault is None:
            return self._normal(method, target, headers, text)
        self.faults.remove(fault)
        return fault[1](self, lambda: self._normal(method, target, headers, text))

    def _normal(self, method: str, target: str, headers: Mapping[str, str], text: bytes) -> Answer:
        try:
            return self._routed(method, target, headers, text)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)
        except json.JSONDecodeError:
            return Answer(400, Refusal("InvalidRequestBody").body)

    def _routed(self, method: str, target: str, headers: Mapping[str, str], text: bytes) -> Answer:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/identity":
            return Answer(200, _identity(headers))
        if url.path == "/secrets/sp" and headers.get("authorization") == f"Bearer {auth.TOKEN}":
            return Answer(200, {"value": "from the vault"})
        if query.get("api-version") != API_VERSION:
            raise Refusal("UnsupportedRequestVersion", str(query.get("api-version")))
        if url.path.startswith("/subscriptions/"):
            if headers.get("authorization") != f"Bearer {auth.TOKEN}":
                return Answer(401, {"error": {"code": "AuthenticationFailed", "message": "Authentication failed."}})
            status, body, more = arm.handle(
                self.service, self.url, method, url.path, json.loads(text) if text else None
            )
            return Answer(status, body, more)
        auth.check(method, target, headers)
        if text and headers.get("content-type") != "application/json; odata=minimalmetadata":
            raise Refusal("MissingRequiredHeader", "content-type")
        for verb, pattern, route in ROUTES:
            match = re.fullmatch(pattern, url.path)
            if verb == method and match is not None:
                parts = tuple(unquote(part) for part in match.groups())
                with self.service.lock:
                    return route(self.service, Request(parts, query, text, self.url, target))
        raise Refusal("ResourceNotFound")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the service."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def fake_batch(root: Path) -> Iterator[FakeBatch]:
    """A service with no pool yet; its tasks run in folders under `root`. Ends all of them when it is left."""
    fake = FakeBatch(Service(root))
    server = _Server(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        fake.service.close()


def _handler(fake: FakeBatch) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

        def _answer(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = fake.handle(self.command, self.path, headers, text)
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.content)
            if "Content-Length" in answer.headers:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815

    return Handler


def _identity(headers: Mapping[str, str]) -> dict[str, str]:
    """A managed identity's token: https://learn.microsoft.com/azure/app-service/overview-managed-identity"""
    if headers.get("x-identity-header") != auth.IDENTITY:
        raise Refusal("AuthenticationFailed")
    return {"access_token": auth.TOKEN, "expires_on": str(2**33), "resource": "any", "token_type": "Bearer"}


def _page(request: Request, items: Iterator[Any]) -> Answer:
    size = int(request.query.get("maxresults", MOST_PER_PAGE))
    if not 1 <= size <= MOST_PER_PAGE:
        raise Refusal("InvalidQueryParameterValue", "maxresults")
    start = request.query.get("$skiptoken", "")
    found = sorted((item for item in items if item["id"].lower() > start), key=lambda item: item["id"].lower())
    chosen = [odata.selected(item, request.query.get("$select")) for item in found[:size]]
    body: dict[str, Any] = {"odata.metadata": f"{request.base}/$metadata", "value": chosen}
    if len(found) > size:
        query = {**request.query, "$skiptoken": found[size - 1]["id"].lower()}
        body["odata.nextLink"] = f"{request.base}{urlsplit(request.target).path}?{urlencode(query)}"
    return Answer(200, body)


def _list_jobs(service: Service, request: Request) -> Answer:
    test = odata.matching(request.query.get("$filter"), odata.JOBS)
    return _page(request, filter(test, service.jobs.values()))


def _list_tasks(service: Service, request: Request) -> Answer:
    service.job(request.parts[0])
    test = odata.matching(request.query.get("$filter"), odata.TASKS)
    return _page(request, filter(test, service.tasks[request.parts[0].lower()].values()))


def _list_pools(service: Service, request: Request) -> Answer:
    test = odata.matching(request.query.get("$filter"), odata.POOLS)
    return _page(request, filter(test, map(arm.data_plane, service.pools.values())))


def _one(request: Request, item: Mapping[str, Any]) -> Answer:
    return Answer(200, odata.selected(item, request.query.get("$select")))


def _add_collection(service: Service, request: Request) -> Answer:
    return Answer(200, {"value": service.add_collection(request.parts[0], request.body, request.size)})


def _add_task(service: Service, request: Request) -> Answer:
    service.add_task(request.parts[0], request.body)
    service.schedule()
    return Answer(201)


def _create_job(service: Service, request: Request) -> Answer:
    service.create_job(request.body)
    return Answer(201)


def _update_job(service: Service, request: Request) -> Answer:
    service.update_job(request.parts[0], request.body)
    return Answer(200)


def _terminate_job(service: Service, request: Request) -> Answer:
    service.terminate_job(request.parts[0], (request.body or {}).get("terminateReason"))
    return Answer(202)


def _delete_job(service: Service, request: Request) -> Answer:
    service.delete_job(request.parts[0])
    return Answer(202)


def _terminate_task(service: Service, request: Request) -> Answer:
    service.terminate_task(*request.parts)
    return Answer(204)


def _counts(service: Service, request: Request) -> Answer:
    counts = service.counts(request.parts[0])
    return Answer(200, {"taskCounts": counts, "taskSlotCounts": counts})


def _list_files(service: Service, request: Request) -> Answer:
    test = odata.matching(request.query.get("$filter"), {"name": ("startswith",)})
    names = service.files(*request.parts)
    return Answer(200, {"value": [item for name in names if test(item := {"name": name, "isDirectory": False})]})


def _file(service: Service, request: Request) -> Answer:
    content = service.file(*request.parts).read_bytes()
    return Answer(200, content, {"Content-Type": "application/octet-stream"})


_JOB, _TASK = r"/jobs/([^/]+)", r"/jobs/([^/]+)/tasks/([^/]+)"
ROUTES: list[tuple[str, str, Route]] = [
    ("GET", "/pools", _list_pools),
    ("GET", r"/pools/([^/]+)", lambda service, request: _one(request, arm.data_plane(service.pool(request.parts[0])))),
    ("GET", "/jobs", _list_jobs),
    ("POST", "/jobs", _create_job),
    ("GET", _JOB, lambda service, request: _one(request, service.seen_job(request.parts[0]))),
    ("PATCH", _JOB, _update_job),
    ("DELETE", _JOB, _delete_job),
    ("POST", f"{_JOB}/terminate", _terminate_job),
    ("GET", f"{_JOB}/taskcounts", _counts),
    ("GET", f"{_JOB}/tasks", _list_tasks),
    ("POST", f"{_JOB}/tasks", _add_task),
    ("POST", f"{_JOB}/addtaskcollection", _add_collection),
    ("GET", _TASK, lambda service, request: _one(request, service.task(*request.parts))),
    ("POST", f"{_TASK}/terminate", _terminate_task),
    ("GET", f"{_TASK}/files", _list_files),
    ("GET", f"{_TASK}/files/(.+)", _file),
]
