"""How AWS is reached, and how its errors become ours: the only room that knows botocore's exceptions."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from batch_helpers import __version__
from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    BatchHelpersError,
    CredentialsError,
    InvalidInput,
    NotFound,
    ServiceError,
    Throttled,
    Unreachable,
)
from batch_helpers.uncollected import uncollected

if TYPE_CHECKING:
    import boto3


@dataclass(frozen=True)
class AWSAccess:
    """Whose account, in which region, at which endpoint; makes no call and loads no SDK until a client is asked for.

    What is left out follows boto3's own rules (environment, shared configuration, instance role):
    https://docs.aws.amazon.com/boto3/latest/guide/configuration.html
    endpoint_url: one URL for every service, as of a test server.

    Raises InvalidInput for an endpoint that is not a URL, or a profile beside a session.
    """

    session: boto3.Session | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.session is not None and self.profile is not None:
            raise InvalidInput(f"profile={self.profile!r}: the session has its own profile; give one or the other")
        if self.endpoint_url is not None and not re.match(r"https?://[^/]", self.endpoint_url):
            raise InvalidInput(f"endpoint_url={self.endpoint_url!r} is not a URL: write http(s)://host:port")

    def client(self, service: str, **config: Any) -> Any:
        """The botocore client of `service`, one for each `config` (arguments of botocore.config.Config); thread-safe.

        Raises CredentialsError or ServiceError when the profile or the region cannot be used.
        """
        key = f"{service} {sorted(config.items())!r}"
        with self._lock:
            if key not in self._made:
                with aws_errors(f"make a client for {service}"):
                    self._made[key] = self._client(service, config)
            return self._made[key]

    def account(self, service: str, **config: Any) -> tuple[str, ...]:
        """What is the same for all that share an account, a region and an endpoint, as far as it shows without a call.

        service, config: of the client that is used. Temporary keys change, so their source stands for them.
        """
        client, credentials = self.client(service, **config), self._session().get_credentials()
        if credentials is None:
            owner = ""
        elif hasattr(credentials, "refresh_needed"):
            owner = f"{credentials.method} {self._session().profile_name}"
        else:
            owner = credentials.access_key
        return service, client.meta.endpoint_url, client.meta.region_name, owner

    def _client(self, service: str, config: Mapping[str, Any]) -> Any:
        from botocore.config import Config

        # botocore writes into what it is given, and callers share it.
        settings = Config(**{"user_agent_extra": f"batch_helpers/{__version__}", **deepcopy(dict(config))})
        with uncollected():  # the model of a service is a hundred thousand objects
            session: Any = self._session()
            return session.client(service, region_name=self.region, endpoint_url=self.endpoint_url, config=settings)

    def _session(self) -> boto3.Session:
        if self.session is not None:
            return self.session
        if "session" not in self._made:
            import boto3

            self._made["session"] = boto3.Session(profile_name=self.profile)
        made: boto3.Session = self._made["session"]
        return made


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into errors of batch_helpers, with the cause kept.

    doing: what is attempted, as it completes "could not …". Errors that are ours already, and those that did not come
    out of the SDK, pass through.
    """
    try:
        yield
    except BatchHelpersError:
        raise
    except Exception as exc:
        kind, problem = _verdict(exc)
        if kind is None:
            raise
        raise kind(f"could not {doing}: {problem}") from exc


def required_member(answer: Mapping[str, Any], member: str, doing: str) -> Any:
    """A member that a whole answer always has; AmbiguousAnswer when it is absent.

    botocore reads a reply that was cut short as a success without its members.
    """
    value = answer.get(member)
    if value is None:
        raise AmbiguousAnswer(f"could not {doing}: the answer came without {member!r}, so it was cut short")
    return value


def http_status(exc: BaseException) -> int | None:
    """The status of the answer that an error of ours was made from; None when there was no answer."""
    response: Mapping[str, Any] = getattr(exc.__cause__, "response", None) or {}
    status: int | None = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status


_LONGEST_MESSAGE = 1000
_Verdict = tuple[type[BatchHelpersError] | None, str]

_LOG_IN = "check `aws sts get-caller-identity`, then log in again or set AWS_PROFILE or AWS_ACCESS_KEY_ID"
_SET_REGION = "give region=…, or set AWS_DEFAULT_REGION or the profile's region"
_CHECK_ENDPOINT = "check the network, the region and the endpoint"
_SET_CLOCK = "set this machine's clock: AWS refuses requests that are minutes off"

_THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_REFUSED_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "OptInRequired",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
_CLOCK = frozenset({"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"})
_CLOCK_MESSAGE = re.compile(r"signature (?:expired|not yet current)", re.IGNORECASE)
_ABSENT = re.compile(r"(?:does not|doesn't) exist|not found|cannot be found", re.IGNORECASE)
_CREDENTIALS_EXCEPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "NoCredentialsError": _LOG_IN,
        "NoAuthTokenError": _LOG_IN,
        "PartialCredentialsError": "give both the access key and the secret key",
        "CredentialRetrievalError": _LOG_IN,
        "MetadataRetrievalError": _LOG_IN,
        "TokenRetrievalError": "run `aws sso login`",
        "SSOError": "run `aws sso login`",
        "LoginError": "run `aws login`",
        "RefreshWithMFAUnsupportedError": _LOG_IN,
        "ProfileNotFound": "`aws configure list-profiles` shows the profiles there are",
        "ConfigParseError": "mend the file, or point AWS_CONFIG_FILE to another",
        "InvalidConfigError": "mend ~/.aws/config",
    }
)
_REGION_EXCEPTIONS = frozenset({"NoRegionError", "InvalidRegionError", "UnknownRegionError", "UnknownEndpointError"})
_NOT_SENT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"})
_ANSWER_LOST = frozenset(
    {"HTTPClientError", "IncompleteReadError", "ResponseStreamingError", "ChecksumError", "FlexibleChecksumError"}
)


def _verdict(exc: Exception) -> _Verdict:
    from botocore.exceptions import BotoCoreError, ClientError

    if isinstance(exc, ClientError):
        return _refusal(exc)
    if isinstance(exc, BotoCoreError):
        return _sdk_error(exc)
    modules = {frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(exc.__traceback__)}
    if "botocore.parsers" in modules:
        return AmbiguousAnswer, f"the answer cannot be read ({exc})"
    if any(module.partition(".")[0] in ("boto3", "botocore") for module in modules):
        return ServiceError, f"{exc} ({type(exc).__name__})"
    return None, ""


def _refusal(exc: Any) -> _Verdict:
    error, status = exc.response.get("Error", {}), exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(error.get("Code", "")), " ".join(str(error.get("Message") or "no message").split())
    said = f"{message[:_LONGEST_MESSAGE]} ({code})"
    if code in _THROTTLING or status == 429:
        return Throttled, said
    if status >= 500 or status == 408 or code.startswith("RequestTimeout"):
        return AmbiguousAnswer, f"the service failed on its side: {said}"
    if code in _CLOCK or _CLOCK_MESSAGE.search(message):
        return CredentialsError, f"{said}; {_SET_CLOCK}"
    if code in _REFUSED_CREDENTIALS:
        return CredentialsError, f"{said}; {_LOG_IN}"
    if code.startswith("AccessDenied") or status == 403:
        return AccessDenied, f"{said}; ask for the permission, or use another profile"
    if status == 404 or "NotFound" in code or _ABSENT.search(message):
        return NotFound, said
    return ServiceError, said


def _sdk_error(exc: Exception) -> _Verdict:
    """By class name, because botocore's classes differ from one version to the next."""
    kinds = [kind.__name__ for kind in type(exc).__mro__]
    for kind in kinds:
        if kind in _CREDENTIALS_EXCEPTIONS:
            return CredentialsError, f"{exc}; {_CREDENTIALS_EXCEPTIONS[kind]}"
    if not _REGION_EXCEPTIONS.isdisjoint(kinds):
        return ServiceError, f"{str(exc).rstrip('.')}: {_SET_REGION}"
    if not _NOT_SENT.isdisjoint(kinds) or "CERTIFICATE_VERIFY_FAILED" in str(exc):
        return Unreachable, f"{exc}; {_CHECK_ENDPOINT}"
    if not _ANSWER_LOST.isdisjoint(kinds) or "SSLError" in kinds:
        return AmbiguousAnswer, f"the connection broke before the answer was whole: {exc}"
    if "ParamValidationError" in kinds:
        return InvalidInput, str(exc)
    return ServiceError, str(exc)
