"""The server: an endpoint's parts put together, and run until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from batch_helpers.errors import ServiceError
from batch_helpers.serve.app import App
from batch_helpers.serve.arns import Arns
from batch_helpers.serve.claim import Claim
from batch_helpers.serve.clock import Clock
from batch_helpers.serve.defaults import provide
from batch_helpers.serve.faults import Faults
from batch_helpers.serve.gateway import Gateway
from batch_helpers.serve.runners.base import Runner
from batch_helpers.serve.runners.instant import InstantRunner
from batch_helpers.serve.scheduling.retention import Retention
from batch_helpers.serve.scheduling.scheduler import Scheduler
from batch_helpers.serve.service import Service
from batch_helpers.serve.settings import Settings
from batch_helpers.serve.state.database import Database
from batch_helpers.serve.texts.details import DetailWriter
from batch_helpers.serve.texts.proof import prove

_GOODBYE_SECONDS = 2
_BACKLOG = 1024
_log = logging.getLogger(__name__)


class Server:
    """An endpoint in this process. Made, it holds its directory and its port; `url` is where it will be.

    Raises ServiceError when the directory or the port cannot be had.
    """

    def __init__(self, settings: Settings) -> None:
        self._retention = settings.retention
        self._claim = Claim(settings.directory)
        try:
            self._socket = _bound(settings.host, settings.port)
            self.url = _url(settings.host, self._socket.getsockname()[1])
            self._claim.sign(self.url)
            self._database = Database(settings.directory)
            self._service = _service(settings, self._database)
        except BaseException:
            self._claim.release()
            raise
        self._uvicorn = uvicorn.Server(_config(settings, self._service))

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop` is called, or SIGINT or SIGTERM comes; `started` is called when requests are taken."""
        try:
            asyncio.run(self._run(started))
        finally:
            self._database.close()
            self._claim.release()

    def stop(self) -> None:
        """Let `run` return soon; may be called from any thread."""
        self._uvicorn.should_exit = True

    async def _run(self, started: Callable[[], None]) -> None:
        provide(self._service)
        retention = Retention(self._service, self._retention)
        scheduling = asyncio.create_task(Scheduler(self._service, retention).run())
        scheduling.add_done_callback(self._scheduler_ended)
        started()
        await self._uvicorn.serve(sockets=[self._socket])
        scheduling.cancel()
        with suppress(asyncio.CancelledError):
            await scheduling
        await self._service.runner.close()

    def _scheduler_ended(self, task: asyncio.Task[None]) -> None:
        """Without its scheduler an endpoint only seems to work, so it ends too."""
        if not task.cancelled():
            _log.critical("the scheduler failed; the endpoint stops", exc_info=task.exception())
            self.stop()


class _Protocol(HttpToolsProtocol):
    """uvicorn's own, telling the application its connection: some faults happen below HTTP."""

    def connection_made(self, transport: Any) -> None:
        self.app_state = {"transport": transport}
        super().connection_made(transport)


def _service(settings: Settings, database: Database) -> Service:
    clock = Clock()
    runner: Runner
    if settings.instant:
        runner = InstantRunner(clock, settings.outcomes)
    else:
        from batch_helpers.serve.runners.local import LocalRunner

        runner = LocalRunner(
            settings.directory,
            vcpus=settings.vcpus,
            memory=settings.memory,
            containers=settings.containers,
            entrypoints=settings.entrypoints,
        )
    arns = Arns(settings.region)
    prove(arns)
    return Service(database, arns, clock, runner, DetailWriter(arns))


def _config(settings: Settings, service: Service) -> uvicorn.Config:
    app = App(
        service,
        Gateway(service, settings.host),
        Faults(settings.seed),
        control=settings.control,
        rate=settings.rate,
        latency=settings.latency,
    )
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket. Accepted ones answer at once: asyncio switches Nagle off where the protocol says TCP."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)
    except OSError as exc:
        found.close()
        raise ServiceError(f"{host}:{port} cannot be listened on: {exc.strerror}: choose another --port") from exc
    return found


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
