"""Blob Storage by Azurite, in a process of its own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

from batch_helpers.azure_client import AzureAccess
from tests.servers import tool

AZURITE = Path(__file__).parents[2] / ".tools/node_modules/.bin/azurite-blob"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azurite has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite"""

_LISTENING = re.compile(r"successfully listens on (http://127\.0\.0\.1:\d+)")


@contextmanager
def azurite() -> Iterator[str]:
    """Its endpoint; skips the test when it is not installed, and fails it in CI."""
    executable = tool(AZURITE, "npm install --no-save --prefix .tools s3rver@3.7.1 azurite@3.35.0")
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    process = subprocess.Popen(
        [executable, *options, "--blobHost", "127.0.0.1", "--blobPort", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield f"{_announced(process)}/{ACCOUNT}"
    finally:
        process.kill()
        process.communicate()


def blob_settings(endpoint: str) -> dict[str, str | None]:
    """The settings of its account."""
    return {"storage_account": ACCOUNT, "storage_key": KEY, "storage_endpoint": endpoint}


def blob_access(endpoint: str) -> AzureAccess:
    return AzureAccess(blob_settings(endpoint))


def _announced(process: subprocess.Popen[str], patience: float = 60) -> str:
    assert process.stdout is not None
    watchdog = Timer(patience, process.kill)
    watchdog.start()
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if match := _LISTENING.search(line):
                return match[1]
    finally:
        watchdog.cancel()
    raise RuntimeError(f"Azurite did not start within {patience} s: {''.join(said)}")
