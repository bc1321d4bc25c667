"""The transformers engine against transformers itself and against slow references."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from tunewright.core.errors import EngineError, ModelError, TooLong
from tunewright.core.types import Checkpoint, Message, Request
from tunewright.runtime.chat import Chat
from tunewright.runtime.engine import Engine, complete, complete_all
from tunewright.runtime.engines.transformers import Transformers
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.conformance import EngineConformance
from tunewright.testing.questions import ask, collect, without_time

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

Model = Callable[..., Any]

SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)
EXACT = Transformers(dtype="float32")
SYSTEM = "You route the questions of bank customers to one of the intents of a list. " * 2


class TestTransformers(EngineConformance):
    def plugin(self) -> Transformers:
        return EXACT


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return tiny_checkpoint(tmp_path_factory.mktemp("tiny"), context=1024)


@pytest.fixture(scope="module")
def engine(checkpoint: Checkpoint) -> Iterator[Engine]:
    opened = EXACT.open(checkpoint, SETTINGS)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def reference(checkpoint: Checkpoint) -> Model:
    return transformers.AutoModelForCausalLM.from_pretrained(checkpoint.path, dtype=torch.float32).eval()


def under(system: str, question: str, **options: object) -> Request:
    messages = (Message(role="system", content=system), Message(role="user", content=question))
    return Request.model_validate({"messages": messages, "max_tokens": 12, **options})


def prompt(checkpoint: Checkpoint, request: Request) -> list[int]:
    return Chat.load(checkpoint.path).prompt(request.messages)


def generated(reference: Model, ids: Sequence[int], tokens: int) -> list[int]:
    found = cast("Any", reference).generate(torch.tensor([ids]), do_sample=False, max_new_tokens=tokens)
    return cast("list[int]", found[0, len(ids) :].tolist())


def constrained(reference: Model, ids: Sequence[int], choices: Sequence[Sequence[int]]) -> list[int]:
    """Greedy decoding that masks everything but what some choice goes on with, one token at a time."""
    said: list[int] = []
    while tuple(said) not in set(map(tuple, choices)):
        open_ = {choice[len(said)] for choice in choices if list(choice[: len(said)]) == said}
        with torch.no_grad():
            logits = reference(torch.tensor([[*ids, *said]])).logits[0, -1]
        said.append(max(open_, key=lambda token: float(logits[token])))
    return said


def test_greedy_answers_equal_generate_token_for_token(
    engine: Engine, reference: Model, checkpoint: Checkpoint
) -> None:
    questions = ["hi", "what is the exchange rate?", "my card is lost", "x" * 90, "ünïcödé €"]
    requests = [
        *(ask(question, max_tokens=20) for question in questions),
        *(under(SYSTEM, question, max_tokens=20) for question in questions),
        *(under(SYSTEM * 3 + "other", question, max_tokens=20) for question in questions),
    ]
    answers = complete_all(engine, requests)
    for request, answer in zip(requests, answers, strict=True):
        assert list(answer.token_ids) == generated(reference, prompt(checkpoint, request), 20)


def test_logprobs_are_those_of_the_model(engine: Engine, reference: Model, checkpoint: Checkpoint) -> None:
    request = under(SYSTEM, "my card is lost")
    answer = asyncio.run(complete(engine, request))
    ids = prompt(checkpoint, request)
    with torch.no_grad():
        likely = reference(torch.tensor([[*ids, *answer.token_ids]])).logits[0, :-1].log_softmax(-1)
    after = range(1, len(ids) + len(answer.token_ids))
    expected = [float(likely[place - 1, ([*ids, *answer.token_ids])[place]]) for place in after]
    assert answer.logprobs == pytest.approx(expected[len(ids) - 1 :], abs=1e-4)
    longer = [5, *([*ids, *answer.token_ids] * 4)][:700]
    with torch.no_grad():
        whole = reference(torch.tensor([longer])).logits[0, :-1].log_softmax(-1)
    read = asyncio.run(engine.read([longer, longer[:5], longer[:300]], likeliest=1))
    told = [row.logprobs for row in read]
    best = whole.argmax(-1).tolist()
    assert [near[0][0] for near in read[2].likeliest] == best[:299]
    wanted = [float(whole[place, longer[place + 1]]) for place in range(len(longer) - 1)]
    assert told[0] == pytest.approx(wanted, abs=1e-3)
    assert told[1] == pytest.approx(wanted[:4], abs=1e-3)
    assert told[2] == pytest.approx(wanted[:299], abs=1e-3)


CHOICES = ("card", "card lost", "card stolen", "top up", "exchange rate", "exchange fee", "é", "")


@pytest.mark.parametrize("seed", range(3))
def test_a_constrained_answer_equals_decoding_step_by_step(seed: int, tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path, seed=seed)
    reference = transformers.AutoModelForCausalLM.from_pretrained(checkpoint.path, dtype=torch.float32).eval()
    chat = Chat.load(checkpoint.path)
    asked = [f"question {'x' * (7 * number % 23)} {number}" for number in range(24)]
    requests = [
        under(SYSTEM if number % 3 else "short", question, choices=CHOICES[: 1 + number % 8])
        for number, question in enumerate(asked)
    ]
    opened = EXACT.open(checkpoint, SETTINGS)
    answers = complete_all(opened, requests)
    opened.close()
    for request, answer in zip(requests, answers, strict=True):
        tokens = [chat.answer_ids(choice) for choice in request.choices]
        expected = constrained(reference, chat.prompt(request.messages), tokens)
        assert list(answer.token_ids) == expected
        assert answer.text == request.choices[tokens.index(expected)]
        assert answer.finish_reason == "stop"


def test_the_deltas_of_a_stream_are_the_whole_answer(engine: Engine, checkpoint: Checkpoint) -> None:
    request = ask("tell me everything", max_tokens=60)
    deltas = asyncio.run(collect(engine, request))
    whole = asyncio.run(complete(engine, request))
    assert "".join(delta.text for delta in deltas) == whole.text
    decoded = Chat.load(checkpoint.path).decode(whole.token_ids)
    assert whole.text == decoded.rstrip("\ufffd")
    assert sum(len(delta.token_ids) for delta in deltas) == len(whole.token_ids)


def test_a_seed_gives_the_same_answer_and_another_seed_another(engine: Engine) -> None:
    requests = [ask("say something", temperature=1.5, seed=seed, max_tokens=30) for seed in (1, 2, 1)]
    first, other, again = complete_all(engine, requests)
    assert first.token_ids == again.token_ids != other.token_ids
    assert complete_all(engine, requests[:1])[0].token_ids == first.token_ids


def test_a_small_nucleus_is_greedy(engine: Engine) -> None:
    drawn = ask("say something", temperature=2.0, top_p=1e-9, seed=5)
    answers = complete_all(engine, [drawn, ask("say something")])
    assert answers[0].token_ids == answers[1].token_ids


def test_a_cancelled_answer_leaves_its_batch_and_the_others_go_on(engine: Engine) -> None:
    async def leave_early() -> list[Any]:
        stream = cast("Any", engine.stream(ask("one two three", max_tokens=200)))
        others = [asyncio.create_task(complete(engine, ask(text, max_tokens=40))) for text in ("a", "bb")]
        async with aclosing(stream) as deltas:
            await anext(deltas)
        return [await other for other in others]

    kept = asyncio.run(leave_early())
    alone = [asyncio.run(complete(engine, ask(text, max_tokens=40))) for text in ("a", "bb")]
    assert [answer.token_ids for answer in kept] == [answer.token_ids for answer in alone]


def test_a_short_answer_does_not_wait_for_a_long_one(engine: Engine) -> None:
    async def which_first() -> list[str]:
        ended: list[str] = []

        async def run(name: str, tokens: int) -> None:
            await complete(engine, ask(f"{name} one", max_tokens=tokens))
            ended.append(name)

        long = asyncio.create_task(run("long", 400))
        await asyncio.sleep(0.02)
        await run("short", 3)
        await long
        return ended

    assert asyncio.run(which_first())[-1] == "long"


def test_an_answer_is_the_same_to_the_last_bit_when_its_beginning_is_known(checkpoint: Checkpoint) -> None:
    request = under(SYSTEM * 2, "how do I top up?", max_tokens=8)
    fresh = EXACT.open(checkpoint, SETTINGS)
    first, second = (without_time(asyncio.run(complete(fresh, request))) for _ in range(2))
    fresh.close()
    assert first == second


def test_another_template_than_the_frozen_one_is_refused(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0].content }}")
    with pytest.raises(EngineError, match="template") as told:
        EXACT.open(checkpoint, SETTINGS)
    assert told.value.problems[0].fix


def test_a_conversation_beyond_the_context_says_how_long_it_is(engine: Engine) -> None:
    with pytest.raises(TooLong, match="1024") as told:
        asyncio.run(complete(engine, ask("x" * 2000)))
    assert told.value.problems[0].where == "messages"
    assert told.value.problems[0].fix


def test_an_answer_ends_where_the_context_ends(engine: Engine) -> None:
    answer = asyncio.run(complete(engine, ask("x" * 900, max_tokens=500)))
    assert answer.prompt_tokens + len(answer.token_ids) <= 1024


def test_one_refused_request_does_no_harm_to_the_next(engine: Engine) -> None:
    with pytest.raises(TooLong):
        complete_all(engine, [ask("fine"), ask("x" * 2000)])
    assert asyncio.run(complete(engine, ask("fine"))).token_ids


def adapted(folder: Path, base: Checkpoint) -> Checkpoint:
    """A LoRA checkpoint with random weights that change the answers."""
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_pretrained(base.path, dtype=torch.float32)
    spec = peft.LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", init_lora_weights=False)
    peft.get_peft_model(model, spec).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / name).write_bytes((base.path / name).read_bytes())
    return base.model_copy(update={"id": "checkpoint-tuned", "path": folder, "tuner": "lora"})


def test_the_adapter_merged_at_loading_gives_the_same_tokens_and_others_than_the_base(
    tmp_path: Path, checkpoint: Checkpoint
) -> None:
    tuned = adapted(tmp_path, checkpoint)
    named = tuned.model_copy(update={"base": tuned.base.model_copy(update={"name": str(checkpoint.path)})})
    requests = [ask(text, max_tokens=24) for text in ("hi", "what is the rate", "card lost")]
    said = []
    for opened in (
        Transformers(dtype="float32", merge=True).open(named, SETTINGS),
        Transformers(dtype="float32", merge=False).open(named, SETTINGS),
        EXACT.open(checkpoint, SETTINGS),
    ):
        said.append([answer.token_ids for answer in complete_all(opened, requests)])
        opened.close()
    assert said[0] == said[1] != said[2]


def test_weights_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "unheard-of"}))
    with pytest.raises(ModelError, match="cannot be loaded"):
        EXACT.open(checkpoint, SETTINGS)
