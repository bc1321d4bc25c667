"""What every transform must do."""

from __future__ import annotations

from tunewright.core.types import Example, Message
from tunewright.data.ports import Change, Learner, Transform
from tunewright.runtime import examples as on_disk
from tunewright.testing.conformance.plugins import LABELS, is_frozen_dataclass


class TransformConformance:
    """A transform tells every change, keeps the order, and leaves labels and ids alone."""

    def plugin(self) -> Transform:
        """The plug-in to try."""
        raise NotImplementedError

    def texts(self) -> tuple[str, ...]:
        """Questions that the transform may have something to do with; override to give it work."""
        return (
            "Hello",
            "<b>Hello</b> &amp; goodbye",
            "caf\u00c3\u00a9\n\n-- \nAnna",
            "Hola, ¿qué tal?",
            "x" * 300,
        )

    def examples(self) -> list[Example]:
        """Every text asked, once answered by a label and once by itself."""
        return [
            Example(
                id=f"{place}-{label}",
                messages=(
                    Message(role="user", content=text),
                    Message(role="assistant", content=label or text),
                ),
                label=label,
                source=f"line {place} {label}",
            )
            for place, text in enumerate(self.texts())
            for label in (LABELS[0], None)
        ]

    def applied(self) -> tuple[list[Example], list[Change]]:
        """The examples that stay, and the changes."""
        batches = list(on_disk.to_batches(self.examples()))
        one = self.plugin()
        ready = one.prepare(batches) if isinstance(one, Learner) else one
        done = [ready.apply(batch) for batch in batches]
        kept = [example for batch, _ in done for example in on_disk.of_batch(batch)]
        return kept, [change for _, changes in done for change in changes]

    def test_the_plugin_is_a_frozen_dataclass_whose_fields_have_defaults(self) -> None:
        """Its fields are its options; the bare name in a spec must be enough."""
        assert is_frozen_dataclass(self.plugin())

    def test_the_same_examples_give_the_same_result(self) -> None:
        """An artifact is found again by what it was made from."""
        assert self.applied() == self.applied()

    def test_every_example_that_is_gone_or_different_is_told(self) -> None:
        """Nothing is changed silently, and nothing is told that did not happen."""
        kept, changes = self.applied()
        after = {example.source: example for example in kept}
        different = {one.source for one in self.examples() if _said(after.get(one.source)) != _said(one)}
        assert different == {change.source for change in changes}
        dropped = {change.source for change in changes if change.part == "example"}
        assert dropped == {one.source for one in self.examples()} - after.keys()

    def test_order_and_labels_stay(self) -> None:
        """What stays, stays in its place; a label is what is learned."""
        kept, _ = self.applied()
        sources = [example.source for example in self.examples()]
        assert [example.source for example in kept] == [
            one for one in sources if one in {e.source for e in kept}
        ]
        assert all(example.label in (None, example.answer) for example in kept)


def _said(example: Example | None) -> object:
    return example and (example.messages, example.text, example.rejected, example.references)
