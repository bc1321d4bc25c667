"""The questions to a teacher or a judge, and what they become when they are answered."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tunewright.core import digest
from tunewright.core.types import Message, Request
from tunewright.data.synthetic import noise, prompt
from tunewright.data.synthetic.draft import Draft, Ground, Seed
from tunewright.data.synthetic.spec import SynthesisSpec
from tunewright.runtime.measure.journal import Kept

GRADES = ("1", "2", "3", "4", "5")


@dataclass(frozen=True)
class Asked:
    """A question to the teacher and what it is asked for."""

    seed: Seed
    request: Request

    @property
    def prompt(self) -> str:
        """The text that was sent."""
        return self.request.messages[-1].content


def turns(seeds: Sequence[Seed], spec: SynthesisSpec) -> Iterator[Seed]:
    """Every seed once, then every seed again, up to `each` times and `number` in all."""
    repeated = (dataclasses.replace(seed, turn=turn) for turn in range(spec.each) for seed in seeds)
    return itertools.islice(repeated, spec.number)


def requests(seeds: Sequence[Seed], ground: Ground, spec: SynthesisSpec, template: str) -> list[Asked]:
    """One question a seed; the seed of its chance follows from the spec's and what it is asked."""
    asked = []
    for seed in turns(seeds, spec):
        text = prompt.filled(template, _values(seed, ground))
        chance = int(digest.of_value([spec.seed, seed.turn, text])[:7], 16)
        request = Request(
            messages=(Message(role="user", content=text),),
            max_tokens=spec.max_tokens,
            temperature=spec.temperature,
            seed=chance,
            choices=seed.choices,
        )
        asked.append(Asked(seed, request))
    return asked


def _values(seed: Seed, ground: Ground) -> Mapping[str, str]:
    listed = "\n".join(f"- {label}" for label in seed.choices)
    return {
        "task": ground.objective,
        "labels": f"Choose one of these:\n{listed}" if listed else "",
        "question": seed.question,
        "answer": seed.answer,
        "passage": seed.passage,
    }


def answered(asked: Asked, kept: Kept, draft: Draft) -> Draft:
    """The draft with what was asked, when, and whether the answer is whole."""
    cut = kept.completion.finish_reason == "length" and not asked.seed.choices
    return dataclasses.replace(draft, prompt=asked.prompt, time=kept.observed, cut=cut)


def mistyped(seeds: Sequence[Seed], spec: SynthesisSpec, time: str) -> Iterator[Draft]:
    """Drafts of `noise`: the same seed gives the same slips."""
    for seed in turns(seeds, spec):
        chance = random.Random(f"{spec.seed} {seed.turn} {seed.question}")
        said = noise.mistyped(seed.question, chance)
        yield Draft(seed=seed, question=said, answer=seed.answer, time=time)


def ratings(drafts: Sequence[Draft], ground: Ground) -> list[Request]:
    """What the judge is asked of each draft."""
    template = prompt.built_in("judge")
    found = []
    for draft in drafts:
        said = draft.answer if draft.rejected is None else draft.rejected
        about = dataclasses.replace(draft.seed, question=draft.question, answer=said, choices=())
        passage = f"What is known:\n{draft.seed.passage}" if draft.seed.passage else ""
        text = prompt.filled(template, {**_values(about, ground), "passage": passage})
        turn = Message(role="user", content=text)
        found.append(Request(messages=(turn,), max_tokens=8, choices=GRADES))
    return found


def grade(said: str) -> int | None:
    """The rating in an answer, 1 to 5; None where there is none."""
    return next((int(letter) for letter in said if letter in GRADES), None)
