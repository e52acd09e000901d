"""The scripts of docs/azure.md are true: they run, and run again for nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from batch_helpers.azure_client import AzureAccess
from batch_helpers.stores.azure import AzureStore
from tests.azure.azurite import blob_settings
from tests.azure.fake_batch import FakeBatch

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
WANTED = [*(f"az://results/fits/{state}.csv" for state in ("AL", "AK", "AZ")), "az://results/national.csv"]
MODEL = """#!{python}
import sys
from batch_helpers.azure_client import AzureAccess
from batch_helpers.stores.azure import AzureStore
AzureStore(AzureAccess({settings})).write("az://results/" + {where}, b"a,b")
"""


def blocks() -> list[str]:
    text = (ROOT / "docs/azure.md").read_text()
    found = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return [re.sub(r"timeout=120|interval=10", "interval=0.1", block) for block in found]


def nodes_hold(folder: Path, settings: dict[str, str | None], **programs: str) -> str:
    """The programs of the page, as an image would have them; the PATH to find them. A mount is an upload here."""
    folder.mkdir()
    for name, where in programs.items():
        (folder / name).write_text(MODEL.format(python=sys.executable, settings=settings, where=where))
        (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.parametrize("block", [0, 1], ids=["CloudClient", "AzureBatchHelper"])
def test_a_script_of_the_page_runs_twice_and_the_second_time_adds_nothing(
    azure: FakeBatch,
    blobs: AzureAccess,
    blob_endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    block: int,
) -> None:
    settings = blob_settings(blob_endpoint)
    path = nodes_hold(tmp_path / "image", settings, fit="f'fits/{sys.argv[1]}.csv'", combine="'national.csv'")
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    service = blobs.blobs()
    service.create_container("results")
    if block == 1:
        azure.service.add_pool("models", slots=2)
    try:
        for _ in range(2):
            ran = subprocess.run([sys.executable, "-c", blocks()[block]], cwd=tmp_path, capture_output=True, text=True)
            assert ran.returncode == 0, ran.stderr
            assert [len(tasks) for tasks in azure.service.tasks.values()] == [4]
        assert AzureStore(blobs).find(WANTED).keys() == set(WANTED)
    finally:
        service.delete_container("results")
