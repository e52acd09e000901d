"""How the service says no."""

from __future__ import annotations

from typing import Any

MESSAGES = {
    "InvalidRequestBody": (400, "The specified Request Body is not syntactically valid."),
    "InvalidPropertyValue": (400, "The value provided for one of the properties in the request body is invalid."),
    "MissingRequiredProperty": (400, "A required property was not specified in the request body."),
    "InvalidQueryParameterValue": (400, "Value for one of the query parameters specified in the request is invalid."),
    "MissingRequiredHeader": (400, "A required HTTP header was not specified."),
    "UnsupportedRequestVersion": (400, "The specified request version is not supported."),
    "TaskDependenciesNotSpecifiedOnJob": (400, "A task depends on other tasks, but the job does not say it does."),
    "TaskDependencyListTooLong": (400, "The list of dependencies is too long to be stored."),
    "AuthenticationFailed": (403, "Server failed to authenticate the request. Make sure the signature is right."),
    "InsufficientAccountPermissions": (403, "The account does not have sufficient permissions."),
    "PoolNotFound": (404, "The specified pool does not exist."),
    "JobNotFound": (404, "The specified job does not exist."),
    "TaskNotFound": (404, "The specified task does not exist."),
    "FileNotFound": (404, "The specified file does not exist."),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "JobExists": (409, "The specified job already exists."),
    "JobCompleted": (409, "The specified job is already in a completed state."),
    "JobBeingTerminated": (409, "The specified job is being terminated."),
    "JobBeingDeleted": (409, "The specified job has been marked for deletion."),
    "PoolExists": (409, "The specified pool already exists."),
    "PoolBeingDeleted": (409, "The specified pool has been marked for deletion."),
    "TaskExists": (409, "The specified task already exists."),
    "TaskCompleted": (409, "The specified task is already in a completed state."),
    "TaskFilesUnavailable": (409, "The files of the specified task are unavailable."),
    "ActiveJobAndScheduleQuotaReached": (409, "Active job and schedule quota for the account has been reached."),
    "RequestBodyTooLarge": (413, "The size of the request body exceeds the maximum size permitted."),
    "TooManyRequests": (429, "Too many requests."),
    "InternalError": (500, "The server encountered an internal error. Please retry the request."),
    "ServerBusy": (503, "The server is currently unable to receive requests. Please retry your request."),
}


class Refusal(Exception):
    """An error of the service; `values` are the details that name what was wrong."""

    def __init__(self, code: str, *details: str) -> None:
        self.code = code
        self.status, message = MESSAGES[code]
        self.body: dict[str, Any] = {
            "code": code,
            "message": {"lang": "en-US", "value": f"{message}\nRequestId:0\nTime:2025-06-01T00:00:00.0000000Z"},
        }
        if details:
            self.body["values"] = [{"key": "Reason", "value": detail} for detail in details]
        super().__init__(code, *details)
