"""A workflow's jobs and their dependencies, for people: as text, and as a Mermaid diagram."""

from __future__ import annotations

from batch_helpers.workflow.workflow import EZBatchWorkflow

_MERMAID_SPECIAL = str.maketrans({'"': "#quot;", "#": "#35;", "\n": " ", "<": "#lt;", ">": "#gt;"})


def as_text(workflow: EZBatchWorkflow) -> str:
    """One line for each job in the order of submission: `gather <- align-1, align-2`."""
    return "\n".join(
        " <- ".join([name, *([", ".join(upstream)] if upstream else [])]) for name, upstream in _edges(workflow)
    )


def as_mermaid(workflow: EZBatchWorkflow) -> str:
    """https://mermaid.js.org/syntax/flowchart.html"""
    edges = _edges(workflow)
    ids = {name: f"job{place}" for place, (name, _) in enumerate(edges)}
    lines = [f'    {ids[name]}["{name.translate(_MERMAID_SPECIAL)}"]' for name, _ in edges]
    lines += [f"    {ids[other]} --> {ids[name]}" for name, upstream in edges for other in upstream]
    return "\n".join(["flowchart TD", *lines])


def _edges(workflow: EZBatchWorkflow) -> list[tuple[str, list[str]]]:
    order = workflow.job_submission_queue(list(workflow.jobs), workflow.dependencies)
    return [(name, list(dict.fromkeys(workflow.dependencies.get(name, ())))) for name in order]
