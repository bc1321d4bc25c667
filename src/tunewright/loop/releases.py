"""The releases of a project: which there are, and which of them is the champion."""

from __future__ import annotations

from tunewright.deploy import registry
from tunewright.deploy.registry import Registry
from tunewright.loop.project import Project


def listed(project: Project) -> Registry:
    """Every release with its state, the newest last."""
    return registry.read(project.workspace)


def promote(project: Project, release_id: str) -> Registry:
    """Make a release the champion, which is served from then on; raises `DeployError` with every obstacle."""
    return registry.promote(project.workspace, release_id)
