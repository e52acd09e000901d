"""`batch-helpers pool`: pools of Azure Batch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from batch_helpers.errors import BatchHelpersError

if TYPE_CHECKING:
    from batch_helpers.azure_client import AzureAccess
    from batch_helpers.resources.azure import PoolManager


_DOTENV = click.option("--dotenv", metavar="FILE", help="Settings beside the environment's; .env when it is there.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


@click.group("pool")
def command() -> None:
    """Pools of Azure Batch: where its jobs run.

    Needs AZURE_BATCH_ACCOUNT, AZURE_SUBSCRIPTION_ID, AZURE_RESOURCE_GROUP_NAME, and `az login` or another credential.
    """


@command.command("create")
@click.argument("name")
@click.option("--vm-size", default="small", show_default=True, help="A VM size, or xsmall to xlarge.")
@click.option("--image", metavar="IMAGE", help="A container image that the nodes hold; tasks run in it.")
@click.option("--registry", metavar="SERVER", help="The registry that the pool's identity pulls from.")
@click.option("--max-nodes", type=int, default=3, show_default=True, help="The most nodes that it grows to.")
@click.option("--formula", type=click.File(), help="A file with an autoscale formula of your own.")
@click.option("--dedicated", type=int, help="Dedicated nodes, instead of growing.")
@click.option("--spot", type=int, help="Spot nodes, instead of growing.")
@click.option("--slots", type=int, default=1, show_default=True, help="Tasks side by side on a node.")
@click.option("--mount", "mounts", multiple=True, metavar="CONTAINER[=PATH]", help="A blob container to mount.")
@click.option("--zonal", is_flag=True, help="Spread the nodes over availability zones.")
@click.option("--identity", metavar="ID", help="The identity of the nodes; default AZURE_USER_ASSIGNED_IDENTITY.")
@click.option("--subnet", metavar="ID", help="The subnet of the nodes; default AZURE_SUBNET_ID.")
@click.option("--replace", is_flag=True, help="Replace a pool of this name that differs.")
@_DOTENV
def create(name: str, *, replace: bool, dotenv: str | None, **options: Any) -> None:
    """Create a pool; one that exists and is like it is left as it is."""
    with _errors():
        manager, access = _manager(dotenv)
        said = manager.create(_spec(name, access, options), replace=replace)
    click.echo(f"pool {name}: {said}")


@command.command("list")
@_DOTENV
@_JSON
def list_(*, dotenv: str | None, as_json: bool) -> None:
    """List the pools with their sizes, nodes and states."""
    with _errors():
        pools = _manager(dotenv)[0].list()
    if as_json:
        click.echo(json.dumps([pool._asdict() for pool in pools]))
        return
    from tabulate import tabulate

    click.echo(tabulate(pools, headers=["pool", "VM size", "nodes", "slots", "state"], tablefmt="simple"))


@command.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_DOTENV
def delete(name: str, *, yes: bool, dotenv: str | None) -> None:
    """Delete a pool with its nodes, and wait until it is gone; tasks that run on it are lost."""
    if not yes:
        click.confirm(f"Delete pool {name} and its nodes?", abort=True, err=True)
    with _errors():
        _manager(dotenv)[0].delete(name)
    click.echo(f"pool {name}: deleted")


def _manager(dotenv: str | None) -> tuple[PoolManager, AzureAccess]:
    from batch_helpers.azure_client import AzureAccess
    from batch_helpers.resources.azure import PoolManager

    access = AzureAccess(dotenv_path=dotenv)
    return PoolManager(access), access


def _spec(name: str, access: AzureAccess, given: dict[str, Any]) -> Any:
    from batch_helpers.resources.azure import Mount, PoolSpec

    fixed = given["dedicated"] is not None or given["spot"] is not None
    pairs = [text.partition("=") for text in given["mounts"]]
    return PoolSpec(
        name,
        vm_size=given["vm_size"],
        container_image=given["image"],
        registry=given["registry"],
        max_nodes=given["max_nodes"],
        formula=given["formula"].read() if given["formula"] else None,
        fixed=(given["dedicated"] or 0, given["spot"] or 0) if fixed else None,
        slots=given["slots"],
        mounts=tuple(Mount(source, target or source) for source, _, target in pairs),
        zones="zonal" if given["zonal"] else "regional",
        identity=given["identity"] or access.settings.identity,
        subnet=given["subnet"] or access.settings.subnet,
    )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except BatchHelpersError as exc:
        click.echo(f"batch-helpers pool: {exc}", err=True)
        sys.exit(2)
