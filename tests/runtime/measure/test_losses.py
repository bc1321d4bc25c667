"""The losses of a run: read from where they lie, and what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunewright.runtime.measure.losses import Losses, read_losses, write_losses

LOSSES = Losses(((1, 2.0), (2, 1.0)), ((0, 2.5), (2, 0.5)), 3.0)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_losses(tmp_path, LOSSES)
    assert read_losses(tmp_path) == LOSSES


def test_a_folder_without_losses_and_a_half_written_line_are_no_error(tmp_path: Path) -> None:
    assert read_losses(tmp_path) == Losses()
    (tmp_path / "losses.jsonl").write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert read_losses(tmp_path).training == ((1, 2.0),)


@pytest.mark.parametrize(
    ("losses", "falling"),
    [([], False), ([1.0], False), ([1.0, 0.9], True), ([1.0, 0.5, 0.7], False), ([1.0, 0.999], False)],
)
def test_still_falling_means_the_last_is_clearly_the_lowest(losses: list[float], falling: bool) -> None:
    assert Losses(validation=tuple(enumerate(losses))).still_falling is falling
