"""Plants faults into adapters and packed models; imports nothing of the product and knows no detector.

A planter changes the files of a folder, as a converter, a copy or an editor might have left them.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy
import torch
from safetensors.numpy import load_file, save_file

Planter = Callable[[Path], None]
Weights = dict[str, Any]


def idle(folder: Path) -> None:
    """An adapter whose second matrices are still as they began: zero."""
    _weights(folder / "adapter_model.safetensors", lambda name, w: w * 0 if "lora_B" in name else w)


def flipped_bit(folder: Path) -> None:
    """One bit of one weight of the adapter."""
    path = folder / "adapter_model.safetensors"
    data = bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    data[(start + len(data)) // 2] ^= 0b0000_0100
    path.write_bytes(bytes(data))


def pickled(folder: Path) -> None:
    """The adapter as a pickle, which runs what it holds when it is opened."""
    path = folder / "adapter_model.safetensors"
    torch.save({name: torch.tensor(w) for name, w in load_file(path).items()}, folder / "adapter_model.bin")
    path.unlink()


def cut_adapter(folder: Path) -> None:
    """The adapter, as a copy that ran out of space leaves it."""
    _cut(folder / "adapter_model.safetensors")


def no_numbers(folder: Path) -> None:
    """An adapter of a training that ran away."""
    _weights(folder / "adapter_model.safetensors", lambda _, w: w * numpy.float32("nan"))


def another_template(folder: Path) -> None:
    """A space more after the name of each role, as somebody's tidied template has it."""
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text().replace("\\n'", " \\n'", 1))


def another_end(folder: Path) -> None:
    """The token that ends a text in place of the one that ends a turn."""
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token": "<|endoftext|>"}))


def another_tokenizer(folder: Path) -> None:
    """Two tokens of the vocabulary have changed places."""
    path = folder / "tokenizer.json"
    told = json.loads(path.read_text())
    vocabulary = told["model"]["vocab"]
    vocabulary["a"], vocabulary["e"] = vocabulary["e"], vocabulary["a"]
    path.write_text(json.dumps(told))


def swapped_layers(folder: Path) -> None:
    """The first two layers in each other's place."""
    path = folder / "model.safetensors"
    places = {"0": "1", "1": "0"}
    found = load_file(path)
    renamed = {
        re.sub(r"layers\.([01])\.", lambda m: f"layers.{places[m[1]]}.", n): w for n, w in found.items()
    }
    save_file(renamed, path, metadata={"format": "pt"})


def lost_layer(folder: Path) -> None:
    """A projection that a merge forgot and left empty."""
    _weights(folder / "model.safetensors", lambda n, w: w * 0 if "layers.1.mlp.down_proj" in n else w)


def doubled_values(folder: Path) -> None:
    """An adapter that was added twice is near to this: value projections too large."""
    _weights(folder / "model.safetensors", lambda n, w: w * 2 if "v_proj" in n else w)


def gguf_template(folder: Path) -> None:
    """One letter of the template inside the file."""
    field = _field(_gguf(folder), "tokenizer.chat_template")
    text = field.parts[field.data[0]]
    text[bytes(text).index(b"assistant") + 1] = ord("z")


def gguf_end(folder: Path) -> None:
    """The file says that another token ends an answer."""
    _set(_gguf(folder), "tokenizer.ggml.eos_token_id", 0)


def gguf_beginning(folder: Path) -> None:
    """The file says that its first token is put before every text, and the template writes it, too."""
    _set(_gguf(folder), "tokenizer.ggml.add_bos_token", True)


def gguf_cut(folder: Path) -> None:
    """The file, as a broken download leaves it."""
    _cut(next(folder.glob("*.gguf")))


def gguf_pairs(folder: Path) -> None:
    """Queries and keys in the order of another library: the best known cause of gibberish."""
    reader = _gguf(folder)
    for tensor in reader.tensors:
        if tensor.name.endswith(("attn_q.weight", "attn_k.weight")):
            rows = tensor.data.reshape(-1, 4, 2, tensor.data.shape[-1])
            tensor.data[:] = rows.swapaxes(1, 2).reshape(tensor.data.shape).copy()


def gguf_rope(folder: Path) -> None:
    """Positions that turn ten times as fast, as where a converter takes its default."""
    _set(_gguf(folder), "llama.rope.freq_base", 10000.0)


def gguf_tokens(folder: Path) -> None:
    """Two tokens of the file have changed places."""
    field = _field(_gguf(folder), "tokenizer.ggml.tokens")
    texts = [field.parts[place] for place in field.data]
    a, e = (next(one for one in texts if bytes(one) == letter) for letter in (b"a", b"e"))
    a[0], e[0] = e[0], a[0]


def gguf_coarse(folder: Path) -> None:
    """Rounded weights whose blocks have scales of the wrong sign."""
    for tensor in _gguf(folder).tensors:
        if tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0:
            tensor.data.reshape(-1, 34)[:, 1] ^= 0x80


def adapter_scale(folder: Path) -> None:
    """An adapter of twice its strength."""
    field = _field(gguf.GGUFReader(folder / "adapter.gguf", "r+"), "adapter.lora.alpha")
    field.parts[field.data[0]][0] *= 2


def modelfile_template(folder: Path) -> None:
    """A Modelfile whose template another model's was copied into."""
    _edit(folder / "Modelfile", "assistant\n", "assistant: ")


def modelfile_end(folder: Path) -> None:
    """A Modelfile without its stop."""
    path = folder / "Modelfile"
    path.write_text("".join(line for line in path.open() if not line.startswith("PARAMETER stop")))


def modelfile_system(folder: Path) -> None:
    """A Modelfile with the system message of somebody else."""
    path = folder / "Modelfile"
    path.write_text(
        re.sub(r'SYSTEM """.*?"""', 'SYSTEM """You are a helpful assistant."""', path.read_text())
    )


PLANTERS: dict[str, tuple[str, Planter]] = {
    "idle": ("adapter", idle),
    "flipped_bit": ("stored", flipped_bit),
    "pickled": ("stored", pickled),
    "cut_adapter": ("stored", cut_adapter),
    "no_numbers": ("adapter", no_numbers),
    "another_template": ("merged", another_template),
    "another_end": ("merged", another_end),
    "another_tokenizer": ("merged", another_tokenizer),
    "swapped_layers": ("merged", swapped_layers),
    "lost_layer": ("merged", lost_layer),
    "doubled_values": ("merged", doubled_values),
    "vllm_template": ("vllm", another_template),
    "gguf_template": ("gguf", gguf_template),
    "gguf_end": ("gguf", gguf_end),
    "gguf_beginning": ("gguf", gguf_beginning),
    "gguf_cut": ("gguf", gguf_cut),
    "gguf_pairs": ("gguf", gguf_pairs),
    "gguf_rope": ("gguf", gguf_rope),
    "gguf_tokens": ("gguf", gguf_tokens),
    "gguf_coarse": ("gguf q8_0", gguf_coarse),
    "adapter_scale": ("gguf_adapter", adapter_scale),
    "modelfile_template": ("ollama", modelfile_template),
    "modelfile_end": ("ollama", modelfile_end),
    "modelfile_system": ("ollama", modelfile_system),
}
"""Every planter with the form whose files it changes; `adapter` is what was trained, before it is packed,
and `stored` the same after it was put away."""


def _weights(path: Path, change: Callable[[str, Any], Any]) -> None:
    found = {name: change(name, weight) for name, weight in load_file(path).items()}
    save_file(found, path, metadata={"format": "pt"})


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 3])


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _gguf(folder: Path) -> Any:  # noqa: ANN401 - of `gguf`, which has no types
    return gguf.GGUFReader(folder / "model.gguf", "r+")


def _field(reader: Any, name: str) -> Any:  # noqa: ANN401 - of `gguf`, which has no types
    return reader.fields[name]


def _set(reader: Any, name: str, value: Any) -> None:  # noqa: ANN401 - of `gguf`, which has no types
    field = _field(reader, name)
    field.parts[field.data[0]][0] = value
