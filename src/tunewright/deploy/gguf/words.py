"""The tokenizer and the template of a model folder as GGUF says them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.core.types import Problem
from tunewright.runtime.chat import TOKENIZER, Chat
from tunewright.runtime.engines.frozen import ends
from tunewright.runtime.models.files import read_object
from tunewright.runtime.models.gguf import BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED

_MERGED = "set `deploy.export: merged`, which needs no other tokenizer"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_CUTS = {_LLAMA3: "llama-bpe", _QWEN2: "qwen2"}
"""What llama.cpp calls the patterns by which text is cut before pairs are merged."""


@dataclass(frozen=True)
class Cut:
    """How a tokenizer cuts text, in the words of llama.cpp."""

    model: Literal["gpt2", "llama"]
    """Bytes that are merged by a list, or pieces that are merged by their scores."""
    pre: str
    space_prefix: bool = False
    """Whether text that begins, or follows a special token, gets a space before it."""


@dataclass(frozen=True)
class Words:
    """Everything that GGUF says of words."""

    cut: Cut
    tokens: tuple[str, ...]
    types: tuple[int, ...]
    merges: tuple[str, ...]
    scores: tuple[float, ...]
    ends: tuple[int, ...]
    """Tokens that end an answer, the one of the template first."""
    special: Mapping[str, int]
    """Ids of `bos`, `unk` and `pad`, where there are such."""
    template: str


def check(folder: Path) -> Iterator[Problem]:
    """What of the folder's words llama.cpp would read in another way."""
    where = str(folder / TOKENIZER)
    try:
        told = read_object(folder / TOKENIZER)
    except ValueError:
        return  # said by whoever opens the model
    if told and cut_of(told) is None:
        what = "llama.cpp would cut words in another way than this tokenizer does"
        yield Problem(where=where, what=what, fix=_MERGED)
    if told and not ends(folder, Chat.load(folder)):
        what = "a missing stop token: the tokenizer names none that ends an answer"
        yield Problem(where=where, what=what, fix="name it as `eos_token` in `tokenizer_config.json`")


def read(folder: Path, chat: Chat, rows: int) -> Words:
    """The words of a folder whose embedding has so many rows; `check` must have found nothing."""
    told = json.loads((folder / TOKENIZER).read_bytes())
    cut = cut_of(told)
    assert cut is not None, "checked before"
    tokens, types = _tokens(told, rows)
    merges = tuple(_pair(one) for one in told["model"].get("merges", ()))
    ids = {token: place for place, token in enumerate(tokens)}
    named = {"bos": "bos_token", "unk": "unk_token", "pad": "pad_token"}
    special = {ours: ids[text] for ours, name in named.items() if (text := chat.special.get(name, "")) in ids}
    scores = _scores(tokens, merges) if cut.model == "llama" else ()
    return Words(
        cut, tokens, types, merges or _idle(tokens), scores, ends(folder, chat), special, chat.template
    )


def add(writer: Any, words: Words) -> None:  # noqa: ANN401 - a `gguf.GGUFWriter`
    """Write them; nothing is ever put before a prompt, because the template writes all that belongs there."""
    writer.add_tokenizer_model(words.cut.model)
    writer.add_tokenizer_pre(words.cut.pre)
    writer.add_token_list(list(words.tokens))
    writer.add_token_types(list(words.types))
    if words.cut.model == "gpt2":
        writer.add_token_merges(list(words.merges))
    else:
        writer.add_token_scores(list(words.scores))
        writer.add_add_space_prefix(words.cut.space_prefix)
    writer.add_eos_token_id(words.ends[0])
    if len(words.ends) > 1:
        writer.add_eot_token_id(words.ends[1])
    if "bos" in words.special:
        writer.add_bos_token_id(words.special["bos"])
    if "unk" in words.special:
        writer.add_unk_token_id(words.special["unk"])
    if "pad" in words.special:
        writer.add_pad_token_id(words.special["pad"])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(words.template)


def cut_of(told: Mapping[str, Any]) -> Cut | None:
    """How the tokenizer cuts text, in the words of llama.cpp; None where it has none for it."""
    model = told.get("model") or {}
    if model.get("type") not in (None, "BPE"):
        return None
    if model.get("byte_fallback"):
        return _pieces(told)
    if (told.get("normalizer") or {}).get("type") not in (None, "NFC"):
        return None
    parts = _parts(told.get("pre_tokenizer"))
    if not parts or parts[-1].get("type") != "ByteLevel" or parts[-1].get("add_prefix_space"):
        return None
    pre = _pre(parts)
    return Cut("gpt2", pre) if pre else None


def _pre(parts: Sequence[Mapping[str, Any]]) -> str | None:
    kinds = [part["type"] for part in parts]
    if kinds == ["ByteLevel"]:
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and parts[0].get("individual_digits"):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and not parts[1].get("use_regex", True):
        return _CUTS.get(str((parts[0].get("pattern") or {}).get("Regex")))
    return None


def _pieces(told: Mapping[str, Any]) -> Cut | None:
    """A tokenizer in the manner of SentencePiece: spaces are written `▁`, unknown characters as bytes."""
    before = _parts(told.get("pre_tokenizer"))
    if before:
        scheme = before[0].get("prepend_scheme", "always")
        known = len(before) == 1 and before[0].get("type") == "Metaspace" and not before[0].get("split")
        return Cut("llama", "default", space_prefix=scheme == "always") if known else None
    normal = _parts(told.get("normalizer"), "normalizers")
    kinds = [part["type"] for part in normal]
    return (
        Cut("llama", "default", space_prefix="Prepend" in kinds)
        if set(kinds) <= {"Prepend", "Replace"}
        else None
    )


def _parts(told: Mapping[str, Any] | None, key: str = "pretokenizers") -> list[Mapping[str, Any]]:
    if not told:
        return []
    return list(told[key]) if told.get("type") == "Sequence" else [told]


def _tokens(told: Mapping[str, Any], rows: int) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Text and type of every row of the embedding; rows that no text stands for are called unused."""
    tokens = [f"[UNUSED{place}]" for place in range(rows)]
    types = [UNUSED] * rows
    model = told["model"]
    for token, place in model["vocab"].items():
        tokens[place], types[place] = token, NORMAL
        if model.get("byte_fallback") and len(token) == 6 and token.startswith("<0x"):
            types[place] = BYTE
        if token == model.get("unk_token"):
            types[place] = UNKNOWN
    for added in told.get("added_tokens", ()):
        tokens[added["id"]] = added["content"]
        types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    return tuple(tokens), tuple(types)


def _pair(merge: str | Sequence[str]) -> str:
    return merge if isinstance(merge, str) else " ".join(merge)


def _scores(tokens: Sequence[str], merges: Sequence[str]) -> tuple[float, ...]:
    """The earlier a merge, the higher the score of what it makes; single characters are made by none."""
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(merges):
        ranks.setdefault(merge.replace(" ", "", 1), rank)
    return tuple(-float(ranks.get(token, 0)) for token in tokens)


def _idle(tokens: Sequence[str]) -> tuple[str, ...]:
    """A merge that never happens, for llama.cpp reads no file without one: its parts are no characters."""
    long = next((token for token in tokens if len(token) > 1 and " " not in token), "")
    return (f"{long} {long}",) if long else ()
