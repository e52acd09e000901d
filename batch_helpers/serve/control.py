"""The control call, for tests: counters, faults, held jobs and time, over the endpoint's own port."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from batch_helpers.errors import InvalidInput
from batch_helpers.serve.counters import Counters
from batch_helpers.serve.faults import Faults, fault_from
from batch_helpers.serve.outcomes import outcome_from
from batch_helpers.serve.runners.instant import InstantRunner
from batch_helpers.serve.service import Service
from batch_helpers.serve.wire.errors import ApiError, ClientException, UnknownOperation
from batch_helpers.serve.wire.messages import Answer, Request

PATH = "/_control/"


class Control:
    """Serves POST /_control/<action> with a JSON body; there only where it was asked for."""

    def __init__(self, service: Service, faults: Faults, counters: Counters) -> None:
        self._service, self._faults, self._counters = service, faults, counters
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "counters": lambda _: self._counters.to_json(),
            "fault": self._fault,
            "clear": self._clear,
            "outcomes": self._outcomes,
            "release": self._release,
            "advance": self._advance,
            "forget": self._forget,
        }

    def answer(self, request: Request) -> Answer:
        """Do what is asked; mistakes are 400."""
        try:
            action = self._actions.get(request.path.removeprefix(PATH))
            if action is None:
                raise UnknownOperation(f"{request.path}: known are {', '.join(self._actions)}")
            value = action(json.loads(request.body or b"{}"))  # null says something here: no limit, no exit code
        except (InvalidInput, KeyError, TypeError, ValueError) as exc:
            return _answer(400, {"message": f"{type(exc).__name__}: {exc}"})
        except ApiError as exc:
            return _answer(exc.status, {"message": exc.message})
        self._service.wishes.wake()
        return _answer(200, value)

    def _fault(self, body: dict[str, Any]) -> dict[str, Any]:
        self._faults.add(fault_from(body))
        return {}

    def _clear(self, _: dict[str, Any]) -> dict[str, Any]:
        self._faults.clear()
        return {}

    def _outcomes(self, body: dict[str, Any]) -> dict[str, Any]:
        """Replace the outcomes of jobs that are yet to start."""
        self._instant().outcomes = [outcome_from(item) for item in body["outcomes"]]
        return {}

    def _release(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"released": self._instant().release(body["name"])}

    def _advance(self, body: dict[str, Any]) -> dict[str, Any]:
        self._service.clock.advance(float(body["seconds"]))
        return {}

    def _forget(self, body: dict[str, Any]) -> dict[str, Any]:
        """Let jobs age out at once."""
        with self._service.database.transaction():
            gone = self._service.database.jobs.forget(body["jobs"])
        self._service.runner.forget(gone)
        return {}

    def _instant(self) -> InstantRunner:
        if not isinstance(self._service.runner, InstantRunner):
            raise ClientException("jobs really run here: outcomes and holds are for --instant")
        return self._service.runner


def _answer(status: int, value: dict[str, Any]) -> Answer:
    return Answer(status, (("content-type", "application/json"),), json.dumps(value).encode())
