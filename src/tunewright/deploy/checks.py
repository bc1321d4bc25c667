"""What is wrong with the section `deploy` before anything is spent."""

from __future__ import annotations

from collections.abc import Iterator

from tunewright.core.types import Problem
from tunewright.deploy.spec import DeploySpec
from tunewright.runtime import plugins


def check(spec: DeploySpec) -> Iterator[Problem]:
    """Every problem of the section `deploy`."""
    if spec.export is not None:
        yield from plugins.check("exports", spec.export, where="deploy.export")
    if not spec.allow:
        yield Problem(
            where="deploy.allow",
            what="no verdict allows a release, so every release stays a candidate",
            fix="name at least `ship`",
            fatal=False,
        )
    if "iterate" in spec.allow:
        yield Problem(
            where="deploy.allow",
            what="`iterate` means that a target was missed, and is allowed all the same",
            fix="waive the target with a reason instead: `waived: why, and by whom`",
            fatal=False,
        )
