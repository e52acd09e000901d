"""The errors that the endpoint answers with, each with its HTTP status and AWS's name for it."""

from __future__ import annotations


class ApiError(Exception):
    """An answer other than 200; its text is what the client sees as the message."""

    status = 400
    code = "ClientException"

    @property
    def message(self) -> str:
        return str(self)


class ClientException(ApiError):
    """The request cannot be carried out as it is."""


class ServerException(ApiError):
    """The endpoint failed, not the client; clients send such a request again."""

    status = 500
    code = "ServerException"


class ServiceUnavailable(ServerException):
    """The endpoint says that it is out of order for a moment."""

    status = 503
    code = "ServiceUnavailableException"


class TooManyRequests(ApiError):
    """Refused for the rate of requests; nothing was done."""

    status = 429
    code = "TooManyRequestsException"

    def __init__(self) -> None:
        super().__init__("Too Many Requests")


class UnknownOperation(ApiError):
    """There is no such operation in the service's model."""

    status = 404
    code = "UnknownOperationException"


class NotImplementedHere(ApiError):
    """The operation exists, but not on this endpoint."""

    status = 501
    code = "NotImplementedException"


class Forbidden(ApiError):
    """The request came from where none may come from."""

    status = 403
    code = "AccessDeniedException"


class TooLarge(ApiError):
    """The body is larger than the endpoint reads."""

    status = 413
    code = "RequestEntityTooLargeException"


class ResourceNotFound(ApiError):
    """A log group or stream that does not exist: an error of CloudWatch Logs, Batch has none like it."""

    code = "ResourceNotFoundException"


class InvalidParameter(ApiError):
    """A value that CloudWatch Logs does not take."""

    code = "InvalidParameterException"
