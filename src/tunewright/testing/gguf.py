"""The tiny model as a GGUF file and inside a wheel, the forms in which a catalogue's models come."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from tunewright.core import digest
from tunewright.runtime.lazy import require
from tunewright.runtime.models import CatalogueEntry, PackageFile

_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def tiny_gguf(model: Path, file: Path) -> Path:
    """Write the Llama in folder `model` as a GGUF file in float32; returns the file."""
    writer = require("gguf", extra="train").GGUFWriter(file, "llama")
    config = json.loads((model / "config.json").read_bytes())
    _add_facts(writer, config)
    _add_tokenizer(writer, model)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    for name, values in (
        require("safetensors.numpy", extra="train").load_file(model / "model.safetensors").items()
    ):
        tensor = _name(name)
        part = tensor.split(".")[-2]
        writer.add_tensor(tensor, _paired(values, heads[part]) if part in heads else values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def tiny_wheel(gguf: Path, folder: Path) -> CatalogueEntry:
    """Put the file into a wheel in `folder`; returns the catalogue entry that finds it there."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "tunewright_tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tunewright_tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(gguf, "tunewright_tiny/tiny.gguf")
        wheel.writestr("tunewright_tiny/__init__.py", "raise SystemExit('nobody imports this')\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tunewright-tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    source = PackageFile(
        package="tunewright-tiny",
        version="1.0",
        module="tunewright_tiny",
        file="tiny.gguf",
        bytes=gguf.stat().st_size,
        sha256=digest.of_file(gguf),
    )
    return CatalogueEntry(
        name="tiny",
        description="random weights",
        licence="Apache-2.0",
        author="tunewright",
        architecture="LlamaForCausalLM",
        parameters=80_256,
        context=512,
        languages=("en",),
        precision="float32",
        disk_bytes=400_000,
        source=source,
    )


def _name(tensor: str) -> str:
    if not tensor.startswith("model.layers."):
        return {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}[
            tensor
        ]
    layer, part = tensor.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
    return f"blk.{layer}.{_PARTS[part]}.weight"


def _paired(values: Any, heads: int) -> Any:  # noqa: ANN401 - numpy arrays
    """GGUF's order: the two numbers of a rotary pair side by side."""
    halves = values.reshape(heads, 2, -1, values.shape[1])
    return halves.swapaxes(1, 2).reshape(values.shape).copy()


def _add_facts(writer: Any, config: dict[str, Any]) -> None:  # noqa: ANN401 - a `gguf.GGUFWriter`
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])


def _add_tokenizer(writer: Any, model: Path) -> None:  # noqa: ANN401 - a `gguf.GGUFWriter`
    vocabulary = json.loads((model / "tokenizer.json").read_bytes())["model"]["vocab"]
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    control = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in control else 1 for token in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template((model / "chat_template.jinja").read_text(encoding="utf-8"))
