"""Every family of models and of tokenizers that GGUF is written for, random weights, token for token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from tunewright.core.types import Checkpoint, ModelRef
from tunewright.deploy import gguf as layout
from tunewright.deploy.exports.gguf import carry
from tunewright.deploy.gguf import words
from tunewright.deploy.torch import greedy
from tunewright.runtime.chat import Chat
from tunewright.runtime.engine import complete_all
from tunewright.runtime.engines.llamacpp import LlamaCpp
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_model
from tunewright.testing.questions import ask

SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)
SIZES: dict[str, Any] = {
    "vocab_size": 259,
    "hidden_size": 48,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 2,
}
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
FAMILIES: dict[str, Any] = {
    "llama": lambda: transformers.LlamaConfig(**SIZES, tie_word_embeddings=False),
    "llama 3.1": lambda: transformers.LlamaConfig(**SIZES, rope_parameters=STRETCHED),
    "llama, linear": lambda: transformers.LlamaConfig(
        **SIZES, rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
    ),
    "llama, wide heads": lambda: transformers.LlamaConfig(**SIZES, head_dim=16, tie_word_embeddings=True),
    "mistral": lambda: transformers.MistralConfig(
        **{**SIZES, "max_position_embeddings": 512}, sliding_window=256
    ),
    "qwen2": lambda: transformers.Qwen2Config(**SIZES, tie_word_embeddings=True),
}
TEXT = [
    "What is the exchange rate of 1234567 euros, 3.14 or 42%?",
    "It's we'll DON'T i'M — naïve café, straße; 東京タワー 😀👍🏽\n\n  two  spaces\tand\ttabs \r\n end",
    "   leading, trailing   ",
    "snake_case camelCase $100,000.00 (brackets) [and] {more} <|im_start|>user\nhi<|im_end|>",
]


def model_of(family: str, folder: Path) -> Path:
    """Random weights of the family, large enough to be sure of themselves, biases included."""
    tiny_model(folder)
    (folder / "model.safetensors").unlink()
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(FAMILIES[family](), dtype=torch.float32)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) * (weight.shape[-1] ** -0.5 if weight.dim() > 1 else 0.3))
        model.model.norm.weight.fill_(3.0)
    model.save_pretrained(folder)
    return folder


def opened(folder: Path) -> Any:  # noqa: ANN401 - an engine of llama.cpp
    ref = ModelRef(name="x", revision="", sha256="", architecture="", parameters=0, context=256, licence="")
    checkpoint = Checkpoint(id="x", path=folder, digest="", base=ref)
    return LlamaCpp(slots=1, cache="f32", stream=False).open(checkpoint, SETTINGS)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_llamacpp_says_the_tokens_of_transformers(tmp_path: Path, family: str) -> None:
    model, home = model_of(family, tmp_path / "model"), tmp_path / "packed"
    home.mkdir()
    config = json.loads((model / "config.json").read_text())
    assert not list(layout.check(config, "config.json"))
    carry(model, home, "f32")
    chat = Chat.load(home)
    asked = [ask(f"question {number} " + "and more " * 8 * number, max_tokens=16) for number in range(3)]
    engine = opened(home)
    try:
        said = [answer.token_ids for answer in complete_all(engine, asked)]
    finally:
        engine.close()
    prompts = [chat.prompt(one.messages) for one in asked]
    assert said == [one.ids for one in greedy.folder_answers(model, prompts, (2,), 16, lambda _: None)]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"model_type": "gemma2"}, "models of type `gemma2`"),
        ({"rope_parameters": {"rope_type": "longrope"}}, "positions of the kind `longrope`"),
        ({"attention_bias": True}, "no `attention_bias`"),
        ({"hidden_act": "gelu"}, "computes `silu`"),
        ({"partial_rotary_factor": 0.5}, "only a part of each head"),
    ],
)
def test_what_llamacpp_would_compute_otherwise_is_refused_with_the_nearest_way(
    told: dict[str, Any], why: str
) -> None:
    (problem,) = layout.check({"model_type": "llama", **told}, "config.json")
    assert why in problem.what
    assert "`deploy.export: merged`" in problem.fix


def bytes_of(pre: object, normalizer: object = None) -> tokenizers.Tokenizer:
    """A small tokenizer of bytes that are merged."""
    made = tokenizers.Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre, decoders.ByteLevel()
    if normalizer is not None:
        made.normalizer = normalizer
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, initial_alphabet=alphabet)
    made.train_from_iterator(TEXT * 3, trainer)
    return made


def pieces_of(*, prefix: bool) -> tokenizers.Tokenizer:
    """A small tokenizer in the manner of SentencePiece, unknown characters as bytes."""
    special = ["<unk>", "<|im_start|>", "<|im_end|>", *(f"<0x{one:02X}>" for one in range(256))]
    made = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    parts: list[Any] = [normalizers.Prepend("▁")] if prefix else []
    made.normalizer = normalizers.Sequence([*parts, normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=special, limit_alphabet=40)
    made.train_from_iterator(TEXT * 3, trainer)
    told = json.loads(made.to_str())
    told["added_tokens"] = [one for one in told["added_tokens"] if not one["content"].startswith("<0x")]
    return tokenizers.Tokenizer.from_str(json.dumps(told))


def split(pattern: str) -> object:
    cut = pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")
    return pre_tokenizers.Sequence([cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False)
TOKENIZERS: dict[str, Any] = {
    "gpt-2": lambda: bytes_of(LEVEL),
    "smollm": lambda: bytes_of(
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), LEVEL])
    ),
    "llama-bpe": lambda: bytes_of(split(words._LLAMA3)),
    "qwen2": lambda: bytes_of(split(words._QWEN2), normalizers.NFC()),
    "llama": lambda: pieces_of(prefix=True),
    "llama, no space before": lambda: pieces_of(prefix=False),
}


@pytest.mark.parametrize("kind", list(TOKENIZERS))
def test_llamacpp_cuts_words_into_the_tokens_of_the_tokenizer(tmp_path: Path, kind: str) -> None:
    tokenizer = TOKENIZERS[kind]()
    model = tiny_model(tmp_path / "model")
    tokenizer.save(str(model / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    _widen(model, size)
    home = tmp_path / "packed"
    home.mkdir()
    assert not list(words.check(model))
    carry(model, home, "f32")
    engine = opened(home)
    try:
        for text in TEXT:
            ours = tokenizer.encode(text, add_special_tokens=False)
            assert asyncio.run(engine.tokens(text)) == ours.ids, ours.tokens
    finally:
        engine.close()


def test_a_tokenizer_that_llamacpp_would_cut_otherwise_is_refused(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model")
    bytes_of(split(r"\w+|\W+")).save(str(model / "tokenizer.json"))
    (problem,) = words.check(model)
    assert "cut words in another way" in problem.what


def test_a_tokenizer_without_a_stop_token_is_refused(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "model")
    path = model / "tokenizer_config.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "eos_token"}))
    (model / "generation_config.json").unlink()
    (problem,) = words.check(model)
    assert problem.what.startswith("a missing stop token")


def _widen(model: Path, size: int) -> None:
    """Embeddings of so many rows: tokens alone are looked at."""
    from safetensors.torch import load_file, save_file

    path = model / "model.safetensors"
    found = load_file(path)
    rows = found["model.embed_tokens.weight"]
    found["model.embed_tokens.weight"] = rows.repeat(size // len(rows) + 1, 1)[:size].contiguous()
    save_file(found, path, metadata={"format": "pt"})
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "vocab_size": size}))
