"""What every export must do: one class, to be inherited in the test suite of a plug-in.

class TestMyExport(ExportConformance):
    def plugin(self) -> Export:
        return MyExport()
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunewright.core.types import Checkpoint
from tunewright.deploy import carried
from tunewright.deploy.made import of_checkpoint
from tunewright.deploy.ports import Export, Made
from tunewright.runtime import plugins
from tunewright.runtime.engine import EnginePlugin, complete_all
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.testing.conformance import is_frozen_dataclass
from tunewright.testing.questions import ask

_QUESTIONS = ("where is my card", "how do i top up", "zzz")


class ExportConformance:
    """A form is opened again by its engine, answers as what was packed, and says what it cannot carry."""

    def plugin(self) -> Export:
        """The plug-in to try."""
        raise NotImplementedError

    def checkpoint(self, folder: Path) -> Checkpoint:
        """A checkpoint with a `lora` adapter, the one that every form carries."""
        raise NotImplementedError

    def packed(self, folder: Path) -> tuple[Checkpoint, Checkpoint, Settings]:
        """What was packed, the packed form, and the settings."""
        settings = Settings(cache=folder / "cache", threads=1, offline=True)
        checkpoint = self.checkpoint(folder)
        home = folder / "packed"
        home.mkdir()
        self.plugin().pack(checkpoint, home, settings)
        tuner = None if self.plugin().merges else checkpoint.tuner
        return checkpoint, checkpoint.model_copy(update={"path": home, "tuner": tuner}), settings

    def test_the_plugin_is_a_frozen_dataclass_whose_fields_have_defaults(self) -> None:
        """Its fields are its options; the bare name in a spec must be enough."""
        assert is_frozen_dataclass(self.plugin())

    def test_the_packed_form_answers_and_leaves_nothing_unfinished(self, tmp_path: Path) -> None:
        """Its engine opens it; the first token of most answers is that of what was packed."""
        checkpoint, packed, settings = self.packed(tmp_path)
        assert not [path for path in packed.path.iterdir() if path.name.startswith(".")]
        said = [
            [answer.token_ids[:1] for answer in complete_all(engine, [ask(one) for one in _QUESTIONS])]
            for engine in (
                _opened(Named(name="transformers", options={"dtype": "float32"}), checkpoint, settings),
                _opened(Named(name=self.plugin().engine), packed, settings),
            )
        ]
        assert sum(a == b for a, b in zip(*said, strict=True)) >= 2

    def test_it_carries_template_tokenizer_and_stop_as_they_were_frozen(self, tmp_path: Path) -> None:
        """Whoever serves it asks as it was trained."""
        checkpoint, packed, _ = self.packed(tmp_path)
        assert not list(carried.check(packed.path, checkpoint))

    def test_what_it_can_carry_is_not_refused(self, tmp_path: Path) -> None:
        """Nor before anything is known of the base."""
        settings = Settings(cache=tmp_path / "cache", threads=1, offline=True)
        assert not list(self.plugin().refuses(of_checkpoint(self.checkpoint(tmp_path), settings)))
        assert not list(self.plugin().refuses(Made(kind="lora")))

    def test_what_it_refuses_comes_with_a_way(self) -> None:
        """Either an adapter that cannot be merged, or a model without an adapter."""
        made = Made(kind="prefix", apart="it is learned tokens") if self.plugin().merges else Made(whole=True)
        problems = list(self.plugin().refuses(made))
        assert problems
        assert all(problem.fix for problem in problems)


def _opened(engine: Named, checkpoint: Checkpoint, settings: Settings) -> Any:  # noqa: ANN401 - an engine
    plugin: EnginePlugin = plugins.make("engines", engine)
    return plugin.open(checkpoint, settings)
