"""GGUF files by their header alone: what they say of themselves, and whether they are whole.

The format: magic, version, counts, then keys with typed values, then name, shape, type and
place of every tensor, then the tensors.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tunewright.core.types import Problem

MODEL, BASE, ADAPTER = "model.gguf", "base.gguf", "adapter.gguf"
"""What a folder holds for llama.cpp: a whole model, or a base and what is put on it."""
WHOLE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
IN_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""What transformers calls the modules whose weights the format calls so: of the model, and of each layer."""
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""What a token is (GGUF specification, `tokenizer.ggml.token_type`)."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 30: (1, 2),
}  # fmt: skip
"""Numbers in a block and its bytes, by the type of a tensor; a type that is not here is not measured."""
_LONGEST = 1 << 30
"""No string, array or count of a true file is longer."""


@dataclass(frozen=True)
class Tensor:
    """A tensor as the header tells of it."""

    name: str
    shape: tuple[int, ...]
    """The fastest dimension first, as the format has it."""
    type: int
    offset: int

    @property
    def size(self) -> int:
        """Its bytes; 0 of a type that is not known."""
        block, width = _BLOCKS.get(self.type, (1, 0))
        return math.prod(self.shape) // block * width


@dataclass(frozen=True)
class Header:
    """Everything before the tensors."""

    facts: dict[str, Any] = field(repr=False)
    tensors: tuple[Tensor, ...] = field(repr=False)
    start: int
    """Where the tensors begin."""

    @property
    def architecture(self) -> str:
        """Such as `llama`; all keys of sizes begin with it."""
        return str(self.facts.get("general.architecture", ""))

    def size(self, name: str, default: int = 0) -> int:
        """A size of the architecture, such as `context_length`."""
        return int(self.facts.get(f"{self.architecture}.{name}", default))


def read(path: Path) -> Header:
    """The header of a GGUF file; raises `ValueError` where it is none or not whole."""
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise ValueError("this is no GGUF file")
        if (version := _number(file, "I")) not in _VERSIONS:
            raise ValueError(f"this is GGUF of version {version}, and {_VERSIONS[-1]} is read")
        count, keys = _length(file), _length(file)
        facts = {_string(file): _value(file, _number(file, "I")) for _ in range(keys)}
        tensors = tuple(_tensor(file) for _ in range(count))
        align = max(1, int(facts.get("general.alignment", 32)))
        start = -(-file.tell() // align) * align
    return Header(facts, tensors, start)


def check(path: Path) -> Iterator[Problem]:
    """What keeps the file from being loaded, by its header and its length."""
    again = "export it again, or copy it again"
    if not path.exists():
        yield Problem(where=str(path), what="there is no such GGUF file", fix=again)
        return
    try:
        header = read(path)
    except (ValueError, struct.error, MemoryError) as error:
        what = str(error) if isinstance(error, ValueError) else "the header is damaged"
        yield Problem(where=str(path), what=f"the GGUF file cannot be read: {what}", fix=again)
        return
    needed = max((header.start + one.offset + one.size for one in header.tensors), default=0)
    if (found := path.stat().st_size) < needed:
        what = f"the GGUF file is cut short: {found:,} bytes of {needed:,}"
        yield Problem(where=str(path), what=what, fix=again)


def _tensor(file: IO[bytes]) -> Tensor:
    name, dimensions = _string(file), _number(file, "I")
    if dimensions > 8:
        raise ValueError("the header is damaged")
    shape = tuple(_number(file, "Q") for _ in range(dimensions))
    return Tensor(name, shape, _number(file, "I"), _number(file, "Q"))


def _value(file: IO[bytes], kind: int) -> Any:  # noqa: ANN401 - of any type the format has
    if kind == _STRING:
        return _string(file)
    if kind == _ARRAY:
        kind, count = _number(file, "I"), _length(file)
        if kind in _NUMBERS:
            form = f"<{count}{_NUMBERS[kind]}"
            return list(struct.unpack(form, _bytes(file, struct.calcsize(form))))
        return [_value(file, kind) for _ in range(count)]
    if kind not in _NUMBERS:
        raise ValueError("the header is damaged")
    return _number(file, _NUMBERS[kind])


def _number(file: IO[bytes], form: str) -> Any:  # noqa: ANN401 - whole, broken or true
    return struct.unpack(f"<{form}", _bytes(file, struct.calcsize(form)))[0]


def _length(file: IO[bytes]) -> int:
    found = int(_number(file, "Q"))
    if found > _LONGEST:
        raise ValueError("the header is damaged")
    return found


def _string(file: IO[bytes]) -> str:
    return _bytes(file, _length(file)).decode("utf-8", errors="replace")


def _bytes(file: IO[bytes], count: int) -> bytes:
    found = file.read(count)
    if len(found) < count:
        raise ValueError("it ends inside its header")
    return found
