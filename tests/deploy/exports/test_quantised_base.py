"""An adapter that learned beside a rounded base goes with the rounded values, whatever it is packed in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.deploy.conftest import SPEC, Setting, edited, report

from tunewright.deploy import run
from tunewright.runtime.plugins import Named


@pytest.mark.parametrize("form", ["merged", "gguf", "gguf_adapter"])
def test_every_form_answers_with_the_tokens_of_the_rounded_base(
    setting: Setting, tmp_path: Path, form: str
) -> None:
    def round_base(folder: Path) -> None:
        told = {"bits": 4, "format": "float32", "left": ["lm_head"]}
        (folder / "quantisation.json").write_text(json.dumps(told))

    rounded = edited(setting.checkpoint, tmp_path / "rounded", round_base)
    rounded = rounded.model_copy(update={"tuner": "qlora"})
    options = {} if form == "merged" else {"type": "f32"}
    spec = SPEC.model_copy(update={"export": Named(name=form, options=options)})
    release = run(setting.context, spec, rounded, report(), setting.dataset)
    assert release.parity[0].equal == 4
    plain = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    assert release.digest != plain.digest, "the rounded values are others"
