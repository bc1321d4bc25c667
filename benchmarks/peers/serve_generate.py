"""What a team writes first: transformers' `generate` behind FastAPI, one request at a time."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from tunewright.server import listen
from tunewright.server.running import address


def loaded(folder: Path) -> Any:  # noqa: ANN401 - a model of transformers
    """The model in the number format in which it is faster here."""
    found = []
    for dtype in (torch.float32, torch.bfloat16):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()
        seconds = []
        for _ in range(3):
            begun = time.perf_counter()
            answered(model, torch.arange(40)[None], 24)
            seconds.append(time.perf_counter() - begun)
        found.append((min(seconds), model))
    return min(found, key=lambda pair: pair[0])[1]


@torch.inference_mode()
def answered(model: PreTrainedModel, ids: torch.Tensor, tokens: int) -> list[int]:
    """Greedy ids of an answer."""
    whole = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
    return list(whole[0, ids.shape[1] :].tolist())


def main() -> None:
    """Listen until the input ends."""
    torch.set_num_threads(2)
    folder = Path(sys.argv[1])
    model, tokenizer = loaded(folder), AutoTokenizer.from_pretrained(folder)
    app, one = FastAPI(), threading.Lock()

    @app.post("/v1/chat/completions")
    def chat(body: dict[str, Any]) -> StreamingResponse:
        ids = tokenizer.apply_chat_template(body["messages"], add_generation_prompt=True, return_dict=False)
        with one:
            said = answered(model, torch.tensor([ids]), body["max_tokens"])
        text = tokenizer.decode(said, skip_special_tokens=True)
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
        events = (
            {"choices": [choice]},
            {"choices": [], "usage": {"prompt_tokens": len(ids), "completion_tokens": len(said)}},
        )
        return StreamingResponse(
            (f"data: {json.dumps(event)}\n\n" for event in events), media_type="text/event-stream"
        )

    on = listen(port=0)
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.stdout.write(json.dumps({"url": address(on)}) + "\n")
    sys.stdout.flush()
    uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False)).run(sockets=[on])


def _end_with_input() -> None:
    import os

    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
