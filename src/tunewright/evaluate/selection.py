"""The prompt and the number of shots of a prompt-only candidate, chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.types import Candidate, CandidateKind, Checkpoint, Example
from tunewright.evaluate.bench import Bench
from tunewright.evaluate.prompts import instructions
from tunewright.evaluate.shots import RULE, RULE_WITHOUT_LABELS
from tunewright.runtime.chat import Chat
from tunewright.runtime.measure.answer import Respondent, requests


@dataclass(frozen=True)
class Chosen:
    """A candidate as it goes to the test set, the examples it shows, and how it was chosen."""

    candidate: Candidate
    shots: tuple[Example, ...] = ()
    selection: str = ""


def choose_prompt(bench: Bench, respondent: Respondent, base: Checkpoint) -> Chosen | None:
    """The best zero-shot instruction of those to try; None if none fits the model's context."""
    prompts = instructions(bench.task, bench.spec.prompts, bench.labels)
    tried = [Chosen(_candidate("zero-shot", base, prompt)) for prompt in prompts]
    names = [f"prompt {place} of {len(prompts)}" for place in range(1, len(prompts) + 1)]
    return _best(bench, respondent, tried, names)


def choose_shots(
    bench: Bench, respondent: Respondent, zero_shot: Chosen, order: Sequence[Example]
) -> Chosen | None:
    """The best number of examples, shown in this order, with the prompt that won without any."""
    tried, names = [], []
    for count in sorted({min(k, len(order)) for k in bench.spec.shots}):
        shots = tuple(order[:count])
        candidate = zero_shot.candidate.model_copy(
            update={"name": "few-shot", "kind": "few-shot", "shots": tuple(shot.id for shot in shots)}
        )
        tried.append(Chosen(candidate, shots))
        names.append(f"{count} shots")
    best = _best(bench, respondent, tried, names)
    if best is None:
        return None
    rule = RULE if all(shot.label is not None for shot in best.shots) else RULE_WITHOUT_LABELS
    selection = f"{zero_shot.selection}; {best.selection}; shots {rule}"
    return Chosen(best.candidate, best.shots, selection)


def _best(
    bench: Bench, respondent: Respondent, tried: Sequence[Chosen], names: Sequence[str]
) -> Chosen | None:
    fitting = [
        (chosen, name) for chosen, name in zip(tried, names, strict=True) if _fits(bench, chosen, name)
    ]
    if not fitting:
        return None
    tried, names = zip(*fitting, strict=True)
    if len(tried) == 1 or not bench.validation:
        why = "the only one tried" if len(tried) == 1 else "the first: there are no validation examples"
        return Chosen(tried[0].candidate, tried[0].shots, f"{names[0]}: {why}")
    figures = []
    for chosen, name in zip(tried, names, strict=True):
        asked = requests(
            chosen.candidate,
            bench.validation,
            shots=chosen.shots,
            labels=bench.labels,
            max_tokens=bench.spec.max_tokens,
        )
        answers = respondent.ask(asked, f"{chosen.candidate.name}, {name}, on validation")
        figures.append(bench.figure(bench.validation, answers))
    place = bench.best(figures)
    others = ", ".join(
        f"{figure:.3f} with {name}" if name.endswith("shots") else f"{figure:.3f}"
        for other, (figure, name) in enumerate(zip(figures, names, strict=True))
        if other != place
    )
    said = (
        f"{names[place]}: {bench.primary} {figures[place]:.3f} on {len(bench.validation)} validation "
        f"examples, against {others}"
    )
    return Chosen(tried[place].candidate, tried[place].shots, said)


def _fits(bench: Bench, chosen: Chosen, name: str) -> bool:
    """Whether the longest question fits the model's context with this prompt; if not, says so."""
    base = chosen.candidate.checkpoint
    if base is None or not base.base.context:
        return True
    every = (*bench.validation, *bench.test)
    longest = max(every, key=lambda example: sum(len(turn.content) for turn in example.prompt))
    (asked,) = requests(chosen.candidate, [longest], shots=chosen.shots, labels=bench.labels)
    chat = Chat.load(base.path)
    answer = max((len(chat.answer_ids(label)) for label in bench.labels), default=bench.spec.max_tokens)
    tokens = len(chat.prompt(asked.messages)) + answer
    if tokens > base.base.context:
        bench.context.tell(
            "warning",
            f"{chosen.candidate.name} with {name} is left out: the longest question takes {tokens} tokens, "
            f"and the model's context is {base.base.context}",
        )
    return tokens <= base.base.context


def _candidate(kind: CandidateKind, base: Checkpoint, instruction: str) -> Candidate:
    return Candidate(name=kind, kind=kind, checkpoint=base, instruction=instruction)
