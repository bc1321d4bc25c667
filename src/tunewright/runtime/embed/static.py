"""The static embedding: the mean of its tokens' vectors is the vector of a text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module, resources
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load
from tokenizers import Tokenizer

_AT_ONCE = 8192
"""Texts tokenised together; bounds memory, not speed."""


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """One vector a text, (n, dimensions), float32, of length 1 or 0."""
    tokenizer, vectors = _asset()
    blocks = [
        _mean(tokenizer, vectors, texts[first : first + _AT_ONCE]) for first in range(0, len(texts), _AT_ONCE)
    ]
    return np.concatenate(blocks) if blocks else np.zeros((0, vectors.shape[1]), np.float32)


def knows(word: str) -> bool:
    """Whether a word is one whole token."""
    return _asset()[0].token_to_id(word) is not None


def _mean(tokenizer: Tokenizer, vectors: NDArray[np.float32], texts: Sequence[str]) -> NDArray[np.float32]:
    tokens = [encoded.ids for encoded in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]
    ends = np.cumsum([0, *map(len, tokens)])
    ids = np.fromiter(chain.from_iterable(tokens), np.int32, count=int(ends[-1]))
    sparse = import_module("scipy.sparse")  # it has no types
    # A sum is as good as a mean: both have length 1 in the end.
    counts = sparse.csr_array((np.ones(len(ids), np.float32), ids, ends), shape=(len(texts), len(vectors)))
    sums: NDArray[np.float32] = counts @ vectors
    lengths = np.linalg.norm(sums, axis=1, keepdims=True).astype(np.float32)
    lengths[lengths == 0] = 1
    return np.asarray(sums / lengths, dtype=np.float32)


@lru_cache(maxsize=1)
def _asset() -> tuple[Tokenizer, NDArray[np.float32]]:
    folder = resources.files("tunewright.runtime.embed")
    tensors = load((folder / "static.safetensors").read_bytes())
    vectors = tensors["vectors"].astype(np.float32) * tensors["scale"][:, None]
    tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
    # What the vocabulary does not know says nothing.
    vectors[tokenizer.token_to_id("[UNK]")] = 0
    return tokenizer, vectors
