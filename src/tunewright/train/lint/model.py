"""Rules about the base model: its template, its layers, its number format and how it will be packed."""

from __future__ import annotations

import re

from tunewright.core.errors import ModelError
from tunewright.core.types import Message
from tunewright.train.lint.facts import Facts
from tunewright.train.rule import Rule, Told

_ASKED = (Message(role="user", content="?"),)
_BASE = re.compile(r"(?:^|[-_/ ])(?:base|pt|foundation)(?:$|[-_/ ])", re.I)
SMALL = 1e9
"""Weights below which activations, not weights, are what fills the memory."""
_ENDS = ("lm_head", "embed_tokens")


def _no_generation_prompt(facts: Facts) -> Told | None:
    texts = _opened(facts)
    if texts is None or texts[0] != texts[1]:
        return None
    what = "the chat template opens no turn for the answer (`add_generation_prompt` does nothing)"
    fix = "add `{% if add_generation_prompt %}…{% endif %}` with the opening of the assistant's turn to it"
    return Told("model", what, fix, {"letters": 0})


def _opened(facts: Facts) -> tuple[str, str] | None:
    """A question as the template writes it, without and with the opening of an answer."""
    if facts.base is None:
        return None
    try:
        chat = facts.base.chat
        return chat.text(_ASKED), chat.text(_ASKED, answer_next=True)
    except ModelError:
        return None  # a template that refuses a plain question is refused where it is rendered


def _two_beginnings(facts: Facts) -> Told | None:
    texts = _opened(facts)
    if texts is None or facts.base is None:
        return None
    chat, name = facts.base.chat, facts.base.chat.special.get("bos_token")
    first = chat.tokenizer.token_to_id(name) if name else None
    inside = _leading(chat.encode(texts[1]), first)
    elsewhere = _leading(list(chat.tokenizer.encode(texts[1]).ids), first)
    if first is None or max(inside, elsewhere) < 2:
        return None
    whose = "the chat template writes" if inside > 1 else "template and tokenizer together write"
    what = f"{whose} the beginning of the text, {name}, {max(inside, elsewhere)} times"
    fix = "take `{{ bos_token }}` out of the template, or serve with `add_special_tokens` off"
    return Told("model", what, fix, {"inside": inside, "elsewhere": elsewhere})


def _leading(ids: list[int], token: int | None) -> int:
    """How often a text begins with a token."""
    return next((place for place, one in enumerate(ids) if one != token), len(ids))


def _missing_targets(facts: Facts) -> Told | None:
    targets = facts.spec.tuner.options.get("targets") or ()
    if facts.base is None or not facts.base.layers or not isinstance(targets, list | tuple):
        return None
    missing = [
        str(one)
        for one in targets
        if one not in _ENDS
        and not any(layer == one or layer.endswith(f".{one}") for layer in facts.base.layers)
    ]
    if not missing:
        return None
    ends = {layer.rsplit(".", 1)[-1] for layer in facts.base.layers} - set(_ENDS)
    what = f"no layer of the model is called {', '.join(f'`{one}`' for one in missing)}"
    place = f"train.tuner.{facts.tuner}"
    return Told(place, what, f"choose from {', '.join(sorted(ends))}", {"missing": len(missing)})


def _tied_ends(facts: Facts) -> Told | None:
    options = facts.spec.tuner.options
    named = [*(options.get("targets") or ()), *(options.get("modules_to_save") or ())]
    ends = [one for one in _ENDS if one in named]
    if facts.base is None or not facts.base.config.get("tie_word_embeddings") or not ends:
        return None
    what = f"`{ends[0]}` shares its weights with the other end of the model, and only one of them is trained"
    place = f"train.tuner.{facts.tuner}"
    return Told(place, what, f"leave {' and '.join(f'`{one}`' for one in ends)} out", {"ends": len(ends)})


def _untaught_template(facts: Facts) -> Told | None:
    if facts.base is None or not _BASE.search(facts.base.name) or facts.tuner == "full":
        return None
    what = (
        f"`{facts.base.name}` is by its name no instruction-tuned model: its turn tokens were never trained"
    )
    return Told("model", what, "take the instruct model of the same family, or `tuner: full`", {"named": 1})


def _quantised_merge(facts: Facts) -> Told | None:
    quantised = facts.base is not None and "quantization_config" in facts.base.config
    if facts.export != "merged" or not quantised:
        return None
    what = "the adapter learns beside quantised weights and is merged into other ones"
    return Told(
        "deploy.export", what, "serve the adapter beside its base, or look at the parity of the release"
    )


def _quantised_for_nothing(facts: Facts) -> Told | None:
    parameters = facts.base.parameters if facts.base else 0
    if facts.tuner != "qlora" or not 0 < parameters < SMALL:
        return None
    what = f"of {parameters / 1e6:.0f} million weights little is saved by holding them in fewer bits"
    return Told("train.tuner", what, "set `tuner: lora`", {"parameters": parameters})


def _fp16(facts: Facts) -> Told | None:
    options = facts.spec.backend.options
    half = options.get("precision") == "fp16" or options.get("fp16") is True
    stored = facts.base and (facts.base.config.get("dtype") or facts.base.config.get("torch_dtype"))
    if not half or stored not in (None, "bfloat16"):
        return None
    what = "training in fp16" + (" of weights that are stored in bf16" if stored else "")
    fix = "set `precision: bf16`, or `fp32` where the machine has no bf16"
    return Told(f"train.backend.{facts.spec.backend.name}", what, fix, {"largest": 65504.0})


_THREADS = "https://github.com"
RULES = (
    Rule(
        "no generation prompt",
        "warning",
        "asked, it goes on with the question instead of answering",
        f"{_THREADS}/huggingface/transformers/issues/26539",
        _no_generation_prompt,
    ),
    Rule(
        "doubled beginning",
        "warning",
        "trained on one text and served another: answers get worse without a reason to be seen",
        f"{_THREADS}/huggingface/open-r1/pull/462",
        _two_beginnings,
    ),
    Rule(
        "targets that match nothing",
        "error",
        "there is nothing to train",
        f"{_THREADS}/hiyouga/LlamaFactory/issues/1785",
        _missing_targets,
    ),
    Rule(
        "tied ends",
        "warning",
        "merged and loaded again, one end overwrites the other: nonsense",
        f"{_THREADS}/huggingface/transformers/issues/45127",
        _tied_ends,
    ),
    Rule(
        "untaught template",
        "warning",
        "answers without an end, and turn tokens that come out wrong",
        f"{_THREADS}/unslothai/unsloth/issues/915",
        _untaught_template,
    ),
    Rule(
        "quantised and merged",
        "warning",
        "the merged model answers worse than the trained one did",
        f"{_THREADS}/huggingface/peft/issues/1043",
        _quantised_merge,
    ),
    Rule(
        "quantised for nothing",
        "warning",
        "a longer run whose peak of memory is not lower: small weights are not what it is made of",
        f"{_THREADS}/ml-explore/mlx-examples/issues/511",
        _quantised_for_nothing,
    ),
    Rule(
        "half precision",
        "error",
        "the run ends at its first step, as gradients in fp16 cannot be unscaled",
        f"{_THREADS}/bitsandbytes-foundation/bitsandbytes/issues/945",
        _fp16,
    ),
)
