"""What the environment says is read once, and a wrong word in it is told."""

from __future__ import annotations

import pytest

from tunewright.core.errors import SpecError
from tunewright.runtime import settings


def test_children_that_share_a_machine_are_told_their_part_of_it() -> None:
    told = settings.read(settings.sharing(2, 3.5))
    assert (told.threads, told.memory_gb) == (2, 3.5)


def test_memory_is_not_limited_unless_somebody_says_so() -> None:
    assert settings.read({}).memory_gb is None


@pytest.mark.parametrize("asked", ["much", "0", "-1", "nan", "inf"])
def test_a_wrong_amount_of_memory_is_told_with_a_remedy(asked: str) -> None:
    with pytest.raises(SpecError) as error:
        settings.read({"TUNEWRIGHT_MEMORY_GB": asked})
    (problem,) = error.value.problems
    assert (problem.where, problem.fix.split(",")[0]) == ("TUNEWRIGHT_MEMORY_GB", "give gigabytes")
