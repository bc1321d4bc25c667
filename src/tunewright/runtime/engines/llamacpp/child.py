"""llama.cpp as a process: one line of JSON says where it listens or what is wrong; it ends with its parent.

Light but for `xllamacpp`, so that it is there in a moment.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
from pathlib import Path

import xllamacpp

_ERRORS = 1
"""What llama.cpp says of itself: errors alone."""
_KEPT_MIB = 256
"""Room for the keys and values of earlier prompts; llama.cpp itself would take up to 8 GB."""
_CACHES = {"f16": xllamacpp.ggml_type.GGML_TYPE_F16, "f32": xllamacpp.ggml_type.GGML_TYPE_F32}


def main() -> int:
    """Listen until the standard input ends; returns the exit code."""
    asked = _asked()
    parameters, key = _parameters(asked), secrets.token_urlsafe(32)
    parameters.api_keys = [key]  # pages in a browser of this machine reach its ports, too
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError:
        what = "llama.cpp cannot load the GGUF file; its own words stand above"
        fix = "export it again; if it stays so, another version of `xllamacpp` may read it"
        _tell({"problems": [{"where": str(asked.model), "what": what, "fix": fix}]})
        return 2
    _tell({"url": server.listening_address, "key": key})
    sys.stdin.buffer.read()  # ends when the parent does
    os._exit(0)  # answers under way have nobody who waits for them, and would be waited for


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tunewright.runtime.engines.llamacpp.child")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", choices=_CACHES, default="f16")
    return parser.parse_args()


def _parameters(asked: argparse.Namespace) -> xllamacpp.CommonParams:
    found = xllamacpp.CommonParams()
    found.model.path = str(asked.model)
    found.n_parallel = asked.slots
    found.n_ctx = asked.slots * asked.context
    found.kv_unified = False
    found.cpuparams.n_threads = found.cpuparams_batch.n_threads = asked.threads
    found.n_threads_http = asked.slots + 4
    found.cache_type_k = found.cache_type_v = _CACHES[asked.cache]
    if asked.adapter is not None:
        found.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(asked.adapter), 1.0)]
    found.cache_ram_mib = _KEPT_MIB
    found.hostnames, found.port = ["127.0.0.1"], 0
    if asked.cache == "f32":  # flash attention computes in f16 within, whatever the cache
        found.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    found.warmup = found.fit_params = found.ui = False
    found.verbosity = _ERRORS
    return found


def _tell(said: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
