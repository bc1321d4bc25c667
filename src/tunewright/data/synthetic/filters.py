"""What keeps a draft from becoming an example, each reason under its own name."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from tunewright.core.types import Example
from tunewright.data.question import question
from tunewright.data.synthetic.draft import Draft, Ground
from tunewright.data.synthetic.spec import Kind, Refusal
from tunewright.runtime.near import near_matches, near_pairs, similarity

SAME = 0.9
"""How alike two texts are that say the same: one of them is enough."""
LOOSE = 0.4
"""From here on a similarity is kept with the example."""
LONGEST_QUESTION, LONGEST_ANSWER = 2000, 8000
"""Characters."""

Filter = Callable[[Sequence[Draft], Ground], Iterator[tuple[Draft, str | None]]]
"""Each draft, with its scores, and the reason against it, if there is one."""

_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial|language model|assistant)\b|\b(?:i am|i'm) (?:sorry|unable|not able|an ai)\b|"
    r"\bi (?:can(?:no|')t|do not|don't) (?:help|assist|answer|provide|have (?:access|enough|information))\b|"
    r"\blanguage model\b",
    re.I,
)
_TASK = re.compile(
    r"\b(?:person|user|customer)s? (?:who )?(?:asks?|asked|asking|would)\b|"
    r"\b(?:new|previous|original|second|rewritten|rephrased) question\b|\b(?:this|a) response\b|:$",
    re.I,
)
_POINTS = re.compile(
    r"\b(?:the|this|above|following|given|provided) (?:passage|text|excerpt|paragraph|context|document)\b|"
    r"\b(?:passage|text|paragraph) (?:above|below)\b|\baccording to the (?:author|article)\b",
    re.I,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def one_by_one(reason: Callable[[Draft, Ground], str | None]) -> Filter:
    """A filter that looks at one draft at a time."""

    def each(drafts: Sequence[Draft], ground: Ground) -> Iterator[tuple[Draft, str | None]]:
        for draft in drafts:
            yield draft, reason(draft, ground)

    return each


def _made(draft: Draft) -> str:
    """What the teacher said."""
    if draft.rejected is not None:
        return draft.rejected
    return "\n".join(text for text in (draft.question, draft.answer) if text not in vars(draft.seed).values())


def _empty(draft: Draft, _: Ground) -> str | None:
    if not draft.question or not draft.answer or draft.rejected == "":
        return "the question or the answer is empty"
    return None


def _length(draft: Draft, _: Ground) -> str | None:
    if draft.cut:
        return "it was cut off at `max_tokens`"
    if len(draft.question) > LONGEST_QUESTION or len(draft.rejected or draft.answer) > LONGEST_ANSWER:
        return "it is too long"
    return None


def _refusal(draft: Draft, _: Ground) -> str | None:
    found = _REFUSAL.search(_made(draft))
    return f"the teacher speaks of itself or refuses: `{found[0]}`" if found else None


def _label(draft: Draft, ground: Ground) -> str | None:
    if not ground.labels:
        return None
    said = draft.answer if draft.rejected is None else draft.rejected
    return None if said in ground.labels else "this is no label of the task"


def _alone(draft: Draft, _: Ground) -> str | None:
    found = _POINTS.search(f"{draft.question}\n{draft.answer}")
    return f"it points at a text that nobody will see: `{found[0]}`" if found else None


def _grounded(draft: Draft, _: Ground) -> str | None:
    there = set(_numbers(draft.seed.passage))
    missing = [number for number in _numbers(f"{draft.question}\n{draft.answer}") if number not in there]
    return f"the number {missing[0]} does not stand in the passage" if missing else None


def _numbers(text: str) -> Iterator[str]:
    """Numbers without what separates their digits: `1,000.50` and `1000.50` are the same."""
    return (re.sub(r"[.,]", "", found) for found in _NUMBER.findall(text))


def _task(draft: Draft, _: Ground) -> str | None:
    found = _TASK.search(draft.question)
    return f"it speaks of the task instead of doing it: `{found[0]}`" if found else None


def _changed(draft: Draft, _: Ground) -> str | None:
    return "nothing was changed" if draft.question == draft.seed.question else None


def _wrong(draft: Draft, _: Ground) -> str | None:
    if similarity(draft.rejected or "", draft.answer) >= SAME:
        return "this is the right answer"
    return None


def _like(drafts: Sequence[Draft], known: Sequence[Example], name: str) -> Iterator[tuple[Draft, float]]:
    """Each draft with how alike the nearest known question is, kept as a score from `LOOSE` on."""
    nearest: dict[int, float] = {}
    for pair in near_matches([draft.question for draft in drafts], [question(one) for one in known], LOOSE):
        nearest[pair.a] = max(pair.similarity, nearest.get(pair.a, 0.0))
    for place, draft in enumerate(drafts):
        found = round(nearest.get(place, 0.0), 4)
        scores = {**draft.scores, name: found} if found else draft.scores
        yield dataclasses.replace(draft, scores=scores), found


def _like_train(drafts: Sequence[Draft], ground: Ground) -> Iterator[tuple[Draft, str | None]]:
    for draft, found in _like(drafts, ground.train, "near_train"):
        yield draft, f"a training question is {found:.2f} alike" if found >= SAME else None


def _like_test(drafts: Sequence[Draft], ground: Ground) -> Iterator[tuple[Draft, str | None]]:
    for draft, found in _like(drafts, ground.evaluated, "near_test"):
        near = found >= min(ground.near, SAME)
        yield draft, f"a question of test or validation is {found:.2f} alike" if near else None


def unlike(there: Sequence[str], *, same: float = SAME) -> Filter:
    """A filter that keeps one of those that are alike; what is `there` already comes first."""

    def look(drafts: Sequence[Draft], _: Ground) -> Iterator[tuple[Draft, str | None]]:
        texts = [*there, *(draft.said for draft in drafts)]
        alike: dict[int, set[int]] = {}
        for pair in near_pairs(texts, same) if same < 1 else ():
            alike.setdefault(pair.b, set()).add(pair.a)
        kept, seen = set(range(len(there))), set(there)
        for place, draft in enumerate(drafts, len(there)):
            if draft.said in seen or alike.get(place, set()) & kept:
                yield draft, "another synthetic example says the same"
                continue
            kept.add(place)
            seen.add(draft.said)
            yield draft, None

    return look


_VALID: dict[str, Filter] = {
    "empty": one_by_one(_empty),
    "length": one_by_one(_length),
    "refusal": one_by_one(_refusal),
    "label": one_by_one(_label),
}
_NEAR: dict[str, Filter] = {"near train": _like_train, "near test": _like_test}
_BY_KIND: dict[Kind, dict[str, Filter]] = {
    "pairs": {**_VALID, "alone": one_by_one(_alone), "grounded": one_by_one(_grounded), **_NEAR},
    "paraphrase": {
        **_VALID,
        "unchanged": one_by_one(_changed),
        "task": one_by_one(_task),
        **_NEAR,
    },
    "answers": {**_VALID, **_NEAR},
    "negatives": {**_VALID, "right": one_by_one(_wrong), "near test": _like_test},
    "noise": {"unchanged": one_by_one(_changed), "near test": _like_test},
}


def of(kind: Kind, there: Sequence[str]) -> dict[str, Filter]:
    """The filters of a kind in their order, the cheap ones first; `there` is what was made before."""
    # What noise makes is like its original by nature, and one version like the other.
    same = 1.0 if kind == "noise" else SAME
    return {**_BY_KIND[kind], "repeated": unlike(there, same=same)}


def sift(
    drafts: Iterable[Draft], ground: Ground, filters: dict[str, Filter]
) -> tuple[list[Draft], list[Refusal]]:
    """The drafts that pass every filter, and why the others did not."""
    kept, refused = list(drafts), list[Refusal]()
    for name, one in filters.items():
        passed = []
        for draft, reason in one(kept, ground):
            if reason is None:
                passed.append(draft)
            else:
                refused.append(refusal(name, reason, draft))
        kept = passed
    return kept, refused


def refusal(name: str, reason: str, draft: Draft) -> Refusal:
    """What is told of a draft that did not pass."""
    answer = draft.answer if draft.rejected is None else draft.rejected
    return Refusal(
        filter=name, reason=reason, source=draft.seed.source, question=draft.question, answer=answer
    )
