"""Forecast of a round of training by its settings, before anything is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from tunewright.core.errors import TrainError, TunewrightError
from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.runtime.lazy import require
from tunewright.train.estimate import Forecast, Place
from tunewright.train.plan import VALIDATION_LIMIT, steps_of
from tunewright.train.probe import sized
from tunewright.train.spec import TrainSpec


def forecast(
    spec: TrainSpec,
    place: Place,
    config: Mapping[str, Any],
    stored: Mapping[str, int],
    splits: tuple[Sequence[Rendered], Sequence[Rendered]],
    count: int,
) -> Forecast:
    """What a round needs of a place: memory, time and money.

    `config` is what the model's `config.json` says, `stored` the bytes of its weights by number format,
    `splits` the rendered training and validation examples, of which training has `count` altogether.
    Raises `TrainError` for a model whose steps cannot be rehearsed.
    """
    heavy = require("tunewright.train.torch.forecast", extra="train")
    steps, every = steps_of(spec, count)
    tokens, method = spec.backend.options.get("tokens", "auto"), plugins.make("methods", spec.method)
    job = heavy.Job(
        config=config,
        stored=stored,
        tuner=plugins.make("tuners", spec.tuner),
        method=method,
        train=splits[0],
        validation=splits[1][:VALIDATION_LIMIT],
        probes=() if method.rates else sized(splits[1]),
        batch=spec.batch,
        steps=steps,
        looks=1 + math.ceil(steps / every),
    )
    try:
        found: Forecast = heavy.forecast(job, place, tokens if isinstance(tokens, int) else None)
    except TunewrightError:
        raise
    except Exception as error:  # of any architecture, in the code of any library
        raise TrainError(
            f"what this model needs cannot be counted: {type(error).__name__}: {shorten(str(error), 160)}",
            where="model",
        ) from error
    return found
