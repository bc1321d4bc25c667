"""The tiny model: real libraries load it, and it is the same every time."""

from pathlib import Path

from tunewright.core import digest
from tunewright.core.types import Message
from tunewright.runtime.chat import Chat
from tunewright.testing.checkpoint import tiny_checkpoint, tiny_model


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_model(tmp_path: Path) -> None:
    one, two, other = (
        tiny_model(tmp_path / name, seed=seed) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert digest.of_folder(one) == digest.of_folder(two) != digest.of_folder(other)


def test_the_checkpoint_says_what_the_model_is(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path)
    assert checkpoint.tuner is None
    assert checkpoint.base.architecture == "LlamaForCausalLM"
    assert checkpoint.base.context == 512
    assert checkpoint.base.parameters == 80_256
    assert checkpoint.template_sha256 == Chat.load(tmp_path).template_sha256


def test_transformers_loads_it_and_it_has_an_opinion(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path))
    ids = torch.tensor([Chat.load(tmp_path).prompt([Message(role="user", content="hello")])])
    answer = model.generate(ids, max_new_tokens=12, do_sample=False, pad_token_id=2)[0, ids.shape[1] :]
    assert sum(parameter.numel() for parameter in model.parameters()) == 80_256
    assert len(set(answer.tolist())) > 4


def test_a_text_is_one_token_a_byte(tmp_path: Path) -> None:
    chat = Chat.load(tiny_model(tmp_path))
    assert len(chat.encode("héllo\n")) == len("héllo\n".encode())
    assert chat.decode(chat.encode("héllo\n")) == "héllo\n"
    assert chat.stop_ids == (2,)
