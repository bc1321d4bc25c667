"""The code of llama.cpp inside the package `xllamacpp`, as far as it is called directly."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from tunewright.core.types import Problem

EXTRA = "llamacpp"
_INSTALL = f'pip install "tunewright[{EXTRA}]"'


def missing() -> Iterator[Problem]:
    """Packages that writing a GGUF file and asking it again need, and that are not installed."""
    for name, what in (("gguf", "writes it"), ("xllamacpp", "opens it again, for the parity gate")):
        if find_spec(name) is None:
            yield Problem(
                where="deploy.export", what=f"a GGUF form needs `{name}`, which {what}", fix=_INSTALL
            )


def quantiser() -> Any | None:  # noqa: ANN401 - a function of C
    """llama.cpp's own function that rounds rows; None where this build does not give it out."""
    found = find_spec("xllamacpp.xllamacpp") if find_spec("xllamacpp") is not None else None
    if found is None or found.origin is None:
        return None
    try:
        function = ctypes.CDLL(found.origin).ggml_quantize_chunk
    except (OSError, AttributeError):
        return None
    numbers, whole = ctypes.c_void_p, ctypes.c_int64
    function.argtypes = [ctypes.c_int, numbers, numbers, whole, whole, whole, numbers]
    function.restype = ctypes.c_size_t
    return function


def refused() -> Problem:
    """Said where the function is not to be had."""
    return Problem(
        where="deploy.export",
        what="`q4_k_m` is rounded by code of llama.cpp, and this build of `xllamacpp` does not give it out",
        fix="set `type: q8_0`, or quantise the f16 file with llama.cpp's own `llama-quantize`",
    )
