"""Settings, credentials and errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from batch_helpers.azure_client import AzureAccess, azure_code, azure_errors
from batch_helpers.azure_client.settings import VARIABLES, read_settings
from batch_helpers.errors import (
    AccessDenied,
    AmbiguousAnswer,
    CredentialsError,
    InvalidInput,
    NotFound,
    ServiceError,
    Throttled,
    Unreachable,
)
from tests.azure.fake_batch import GROUP, IDENTITY, SUBSCRIPTION, TOKEN, FakeBatch
from tests.azure.fixtures import refused


class Token:
    """A credential that gives one token."""

    def __init__(self, text: str = TOKEN) -> None:
        self.text = text

    def get_token(self, *scopes: str, **options: Any) -> Any:
        from azure.core.credentials import AccessToken

        return AccessToken(self.text, 2**33)


def test_arguments_come_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "my.env"
    file.write_text("AZURE_BATCH_ACCOUNT=file\nAZURE_BATCH_LOCATION=file\nAZURE_TENANT_ID='file'\n")
    shell = {"AZURE_BATCH_ACCOUNT": "shell", "AZURE_BATCH_LOCATION": "shell"}
    found = read_settings({"batch_account": "given"}, str(file), shell)
    assert (found.batch_account, found.batch_location, found.tenant_id) == ("given", "shell", "file")
    assert found.batch_url == "https://given.shell.batch.azure.com"


def test_a_dotenv_file_leaves_the_environment_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("AZURE_BATCH_ACCOUNT=file\n")
    assert AzureAccess().settings.batch_account == "file"
    assert "AZURE_BATCH_ACCOUNT" not in os.environ
    monkeypatch.setenv("AZURE_BATCH_ACCOUNT", "shell")
    assert AzureAccess().settings.batch_account == "shell"


def test_a_dotenv_file_that_is_not_there_is_an_error_when_it_was_asked_for() -> None:
    assert AzureAccess().settings.batch_account is None
    with pytest.raises(InvalidInput, match=r"'no\.env': there is no such file"):
        _ = AzureAccess(dotenv_path="no.env").settings


def test_a_setting_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidInput, match="'acount' is no setting; there are: batch_account"):
        read_settings({"acount": "x"})


@pytest.mark.parametrize("name", ["batch_account", "batch_location"])
def test_a_missing_account_says_which_variables_were_looked_at(name: str) -> None:
    given = {item: "x" for item in ("batch_account", "batch_location") if item != name}
    with pytest.raises(CredentialsError, match=rf"{name} is not known; looked at {VARIABLES[name]} in the environment"):
        _ = AzureAccess(given).batch


@pytest.mark.parametrize(
    ("method", "given", "missing"),
    [
        ("service_principal", {"tenant_id": "t", "client_id": "c"}, "AZURE_CLIENT_SECRET"),
        ("service_principal", {"client_id": "c", "client_secret": "s"}, "AZURE_TENANT_ID"),
        ("workload_identity", {"tenant_id": "t", "client_id": "c"}, "AZURE_FEDERATED_TOKEN_FILE"),
    ],
)
def test_a_method_says_which_of_its_variables_is_missing(method: str, given: dict[str, str], missing: str) -> None:
    with pytest.raises(CredentialsError, match=missing):
        _ = AzureAccess(given, method=method).token


@pytest.mark.parametrize(
    ("method", "given", "kind"),
    [
        ("auto", {}, "DefaultAzureCredential"),
        ("auto", {"tenant_id": "t", "client_id": "c", "client_secret": "s"}, "ClientSecretCredential"),
        ("managed_identity", {}, "ManagedIdentityCredential"),
        (
            "workload_identity",
            {"tenant_id": "t", "client_id": "c", "federated_token_file": "f"},
            "WorkloadIdentityCredential",
        ),
    ],
)
def test_each_method_signs_in_its_own_way(method: str, given: dict[str, str], kind: str) -> None:
    assert type(AzureAccess(given, method=method).token).__name__ == kind


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(InvalidInput, match="method='magic' is not known; there are: auto"):
        AzureAccess(method="magic")


def test_no_secret_is_ever_shown() -> None:
    secrets = {"batch_key": "s3cret", "client_secret": "s3cret", "storage_key": "s3cret", "batch_account": "me"}
    access = AzureAccess(secrets)
    assert "s3cret" not in repr(access) + repr(access.settings)
    assert "batch_account='me'" in repr(access.settings)


@pytest.mark.slow
def test_making_one_reads_nothing_and_loads_no_sdk() -> None:
    code = (
        "import sys\n"
        "from batch_helpers.azure_client import AzureAccess\n"
        "from batch_helpers.engines.azure import AzureEngine\n"
        "AzureEngine(AzureAccess(dotenv_path='no such file'), pool='p')\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'requests', 'dotenv', 'msal')])\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert answer.stdout.strip() == "[]"


_ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "use"),
    [
        ("azure.batch", "AzureAccess({'batch_endpoint': 'http://x', 'batch_key': 'k'}).batch"),
        ("azure.identity", "AzureAccess().token"),
        ("azure.mgmt.batch", "AzureAccess({'subscription_id': 'x'}, credential=object()).management"),
        ("azure.storage.blob", "AzureAccess({'storage_account': 'x'}).blobs()"),
        ("azure.storage.blob", "AzureAccess({'connection_string': 'x'}).blobs()"),
        ("dotenv", "open('.env', 'w').close() or AzureAccess().settings"),
    ],
)
def test_a_missing_package_is_answered_with_how_to_install_it(module: str, use: str, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        f"sys.modules[{module!r}] = None\n"
        "from batch_helpers.azure_client import AzureAccess\n"
        "from batch_helpers.errors import MissingExtra\n"
        f"try:\n    {use}\nexcept MissingExtra as exc:\n    print(exc)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert "pip install 'batch_helpers[azure]'" in answer.stdout


def test_a_token_reaches_a_plain_http_endpoint_that_was_given_so(fake: FakeBatch) -> None:
    access = AzureAccess({"batch_endpoint": fake.url}, credential=Token())
    assert sorted(pool.id for pool in access.batch.list_pools()) == ["empty", "pool"]


def test_the_resource_manager_is_reached_with_a_token(fake: FakeBatch) -> None:
    given = {"subscription_id": SUBSCRIPTION, "management_endpoint": fake.url}
    pools = AzureAccess(given, credential=Token()).management.pool.list_by_batch_account(GROUP, "fakeaccount")
    assert sorted(str(pool.name) for pool in pools) == ["empty", "pool"]


def test_a_service_principals_secret_may_lie_in_a_key_vault(fake: FakeBatch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{fake.url}/identity")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY)
    given = {"tenant_id": "t", "client_id": "c", "keyvault": fake.url, "keyvault_secret": "sp"}
    credential: Any = AzureAccess(given, method="service_principal").token
    assert credential._client_credential == "from the vault"
    with pytest.raises(ServiceError, match="could not read secret 'none' of key vault"):
        _ = AzureAccess({**given, "keyvault_secret": "none"}, method="service_principal").token


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AuthenticationFailed", CredentialsError),
        (401, "InvalidAuthenticationInfo", CredentialsError),
        (403, "InsufficientAccountPermissions", AccessDenied),
        (404, "JobNotFound", NotFound),
        (409, "JobCompleted", ServiceError),
        (429, "TooManyRequests", Throttled),
        (503, "ServerBusy", Throttled),
        (500, "InternalError", AmbiguousAnswer),
        (500, "OperationTimedOut", AmbiguousAnswer),
        (408, "Timeout", AmbiguousAnswer),
        (400, "InvalidRequestBody", ServiceError),
    ],
)
def test_each_refusal_is_an_error_of_ours_with_the_services_code(
    fake: FakeBatch, access: AzureAccess, status: int, code: str, kind: type[ServiceError]
) -> None:
    fake.fail("GET /jobs/x", refused(status, code))
    with pytest.raises(ServiceError) as caught, azure_errors("look"):
        access.batch.get_job("x")
    assert type(caught.value) is kind
    assert "could not look: " in str(caught.value)
    assert f"said {code} ({code})" in str(caught.value)
    assert azure_code(caught.value) == code


def test_the_value_that_the_service_means_is_in_the_message(access: AzureAccess) -> None:
    wanted = pytest.raises(ServiceError, match=r"body is invalid\. \(id: no such id\) \(InvalidPropertyValue\)$")
    with wanted, azure_errors("create a job"):
        access.batch.create_job({"id": "no such id", "poolInfo": {"poolId": "pool"}})  # type: ignore[arg-type]


def test_no_connection_is_unreachable() -> None:
    access = AzureAccess({"batch_account": "a", "batch_key": "d3Jvbmc=", "batch_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable), azure_errors("look"):
        access.batch.get_job("x")


def test_a_credential_that_finds_nothing_says_where_it_looked(fake: FakeBatch) -> None:
    from azure.identity import CredentialUnavailableError

    class Nothing(Token):
        def get_token(self, *scopes: str, **options: Any) -> Any:
            raise CredentialUnavailableError("no identity here")

    access = AzureAccess({"batch_endpoint": fake.url}, credential=Nothing())
    wanted = pytest.raises(
        CredentialsError, match="no identity here; looked at AZURE_BATCH_ACCESS_KEY, AZURE_TENANT_ID"
    )
    with wanted, azure_errors("look"):
        access.batch.get_job("x")


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), azure_errors("divide"):
        1 / 0  # noqa: B018
    with pytest.raises(InvalidInput, match=r"^mine$"), azure_errors("do something"):
        raise InvalidInput("mine")
