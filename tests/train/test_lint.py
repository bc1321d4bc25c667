"""Every rule of the linter speaks where its fault is, and is silent over settings that are right."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.types import Checkpoint, Example, Message
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train import RULES, TrainSpec, lint
from tunewright.train.checks import check
from tunewright.train.lint import BaseFacts, DataFacts, Facts
from tunewright.train.methods.sft import Sft
from tunewright.train.rule import MEASURED

from .conftest import make_examples

SERVED = "Name the desk."


@pytest.fixture(scope="module")
def model(base: Checkpoint) -> BaseFacts:
    return BaseFacts.of(base, base.path)


def data_of(chat: Chat, train: list[Example], validation: list[Example]) -> DataFacts:
    def rendered(found: list[Example]) -> list[Rendered]:
        return Sft().render(found, chat, SERVED)

    return DataFacts(
        train=rendered(train), validation=rendered(validation), examples=train, instruction=SERVED
    )


def unlike(count: int, start: int = 0) -> list[Example]:
    """Examples of which no two ask the same."""
    return [
        one.model_copy(update={"messages": (Message(role="user", content=f"case {one.id}"), one.messages[1])})
        for one in make_examples(count, start)
    ]


@pytest.fixture(scope="module")
def right(model: BaseFacts) -> Facts:
    data = data_of(model.chat, unlike(400), unlike(40, 1000))
    return Facts(spec=TrainSpec(tuner={"lora": {"r": 8, "alpha": 16}}), data=data, base=model)


def changed(facts: Facts, **spec: object) -> Facts:
    return dataclasses.replace(facts, spec=TrainSpec.model_validate({**facts.spec.model_dump(), **spec}))


def with_data(facts: Facts, **data: object) -> Facts:
    assert facts.data is not None
    return dataclasses.replace(facts, data=dataclasses.replace(facts.data, **data))  # type: ignore[arg-type]


def with_base(facts: Facts, **base: object) -> Facts:
    assert facts.base is not None
    return dataclasses.replace(facts, base=dataclasses.replace(facts.base, **base))  # type: ignore[arg-type]


def with_template(facts: Facts, old: str, new: str) -> Facts:
    assert facts.base is not None
    chat = facts.base.chat
    assert old in chat.template
    return with_base(facts, chat=Chat(chat.template.replace(old, new), chat.tokenizer, chat.special))


def cut_to(facts: Facts, train: int, validation: int = 40) -> Facts:
    assert facts.data is not None
    return with_data(
        facts,
        train=facts.data.train[:train],
        examples=facts.data.examples[:train],
        validation=facts.data.validation[:validation],
    )


def masked(facts: Facts, keep: Callable[[int, bool], bool]) -> Facts:
    """The loss mask made anew: `keep` is asked of every token and whether it was trained."""
    assert facts.data is not None
    train = [
        dataclasses.replace(
            one, trained=tuple(keep(token, was) for token, was in zip(one.ids, one.trained, strict=True))
        )
        for one in facts.data.train
    ]
    return with_data(facts, train=train)


def own_instruction(facts: Facts) -> Facts:
    assert facts.data is not None
    system = Message(role="system", content="Be brief.")
    examples = [one.model_copy(update={"messages": (system, *one.messages)}) for one in facts.data.examples]
    return with_data(facts, examples=examples)


def same_answer(facts: Facts) -> Facts:
    assert facts.data is not None
    said = Message(role="assistant", content="loss")
    examples = [one.model_copy(update={"messages": (one.messages[0], said)}) for one in facts.data.examples]
    return with_data(facts, examples=examples)


def heavy(facts: Facts) -> Facts:
    assert facts.data is not None
    first, *rest = facts.data.train
    return with_data(facts, train=[dataclasses.replace(first, weight=50.0), *rest])


def seen(facts: Facts) -> Facts:
    assert facts.data is not None
    return with_data(facts, validation=[*facts.data.train[:20], *facts.data.validation])


def lora(facts: Facts, **options: object) -> Facts:
    return changed(facts, tuner={"lora": {"r": 8, "alpha": 16, **options}})


FAULTS = {
    "hopeless rate": lambda facts: changed(facts, learning_rate=0.5),
    "high rate": lambda facts: changed(facts, learning_rate=5e-3),
    "low rate": lambda facts: changed(facts, learning_rate=1e-6),
    "preference rate": lambda facts: changed(facts, method="dpo", learning_rate=1e-3),
    "adapter scale": lambda facts: lora(facts, alpha=512),
    "by heart": lambda facts: changed(facts, epochs=50, patience=0),
    "few steps": lambda facts: cut_to(facts, 20),
    "batch over data": lambda facts: changed(cut_to(facts, 20), batch=32),
    "large batch": lambda facts: changed(facts, batch=1024),
    "idle patience": lambda facts: changed(facts, epochs=1, evaluations=1),
    "no validation": lambda facts: cut_to(facts, 400, 0),
    "small validation": lambda facts: cut_to(facts, 400, 5),
    "rank over width": lambda facts: lora(facts, r=40, alpha=80),
    "rank over data": lambda facts: lora(cut_to(facts, 200), r=128, alpha=256),
    "idle dropout": lambda facts: changed(lora(facts, dropout=0.1), epochs=1),
    "nothing trained": lambda facts: masked(facts, lambda token, was: False),
    "no loss mask": lambda facts: masked(facts, lambda token, was: True),
    "stop token outside the mask": lambda facts: masked(facts, lambda token, was: was and token != 2),
    "another instruction when served": own_instruction,
    "one answer": same_answer,
    "extreme weights": heavy,
    "validation in training": seen,
    "examples too long": lambda facts: changed(facts, max_tokens=16),
    "no generation prompt": lambda facts: with_template(facts, "add_generation_prompt", "false"),
    "doubled beginning": lambda facts: with_template(
        facts, "{% if messages[0]", "{{- bos_token -}}{% if messages[0]"
    ),
    "targets that match nothing": lambda facts: lora(facts, targets=["query"]),
    "tied ends": lambda facts: lora(facts, targets=["q_proj", "lm_head"]),
    "untaught template": lambda facts: with_base(facts, name="org/Some-7B-Base"),
    "quantised and merged": lambda facts: dataclasses.replace(
        with_base(facts, config={"quantization_config": {"quant_method": "gptq"}}), export="merged"
    ),
    "quantised for nothing": lambda facts: with_base(changed(facts, tuner="qlora"), parameters=135_000_000),
    "half precision": lambda facts: with_base(
        changed(facts, backend={"local": {"precision": "fp16"}}), config={"dtype": "bfloat16"}
    ),
}


def test_settings_that_are_right_are_told_nothing(right: Facts) -> None:
    assert [finding.kind for finding in lint(changed(right, max_tokens=512))] == []


@pytest.mark.parametrize("kind", [rule.kind for rule in RULES])
def test_a_fault_is_found_with_numbers_effect_and_remedy(kind: str, right: Facts) -> None:
    right = changed(right, max_tokens=512)
    (finding,) = [one for one in lint(FAULTS[kind](right)) if one.kind == kind]
    assert finding.where and finding.what and finding.effect and finding.fix
    assert re.search(r"\d", finding.what) or finding.numbers or kind == "quantised and merged"
    assert finding.fatal == (finding.severity == "error")


def test_there_are_more_than_twenty_rules_of_different_names_each_with_its_proof() -> None:
    kinds = [rule.kind for rule in RULES]
    assert len(set(kinds)) == len(kinds) >= 20 and set(kinds) == set(FAULTS)
    threads = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+/(issues|pull)/\d+")
    assert all(rule.proof == MEASURED or threads.fullmatch(rule.proof) for rule in RULES)
    named = Path(__file__).parents[2].joinpath(MEASURED).read_text(encoding="utf-8")
    assert all(f'"{rule.kind}"' in named for rule in RULES if rule.proof == MEASURED)


def test_all_findings_are_told_at_once_the_worst_first(right: Facts) -> None:
    bad = changed(cut_to(right, 400, 5), learning_rate=0.5, epochs=1, batch=256, max_tokens=16)
    severities = [finding.severity for finding in lint(bad)]
    assert severities == sorted(severities, key=("error", "warning", "note").index)
    assert len(severities) >= 5 and {"error", "warning", "note"} <= set(severities)


def test_what_needs_data_or_model_is_silent_while_there_is_none() -> None:
    assert list(check(TrainSpec())) == []
    assert {one.where for one in check(TrainSpec(learning_rate=0.5, epochs=50))} == {
        "train.learning_rate",
        "train.epochs",
    }


def test_a_validation_set_that_ends_the_run_early_makes_many_epochs_harmless(right: Facts) -> None:
    assert not [one for one in lint(changed(right, epochs=50)) if one.kind == "by heart"]


@pytest.mark.parametrize(
    ("settings", "rate"),
    [
        ({}, 1e-3),
        ({"tuner": "full"}, 5e-5),
        ({"tuner": "prompt"}, 3e-2),
        ({"tuner": {"qlora": {"bits": 8}}, "method": "dpo"}, 1e-4),
        ({"tuner": "full", "learning_rate": 1e-5}, 1e-5),
        ({"tuner": "of-another-package"}, 1e-3),
    ],
)
def test_a_rate_that_is_left_out_suits_tuner_and_method(settings: dict[str, object], rate: float) -> None:
    spec = TrainSpec.model_validate(settings)
    assert spec.rate == pytest.approx(rate)
    told = [one.where for one in check(spec) if one.where == "train.learning_rate"]
    assert not told
