"""Rules about the learning rate, the schedule and what goes with them."""

from __future__ import annotations

from tunewright.train.lint.facts import Facts
from tunewright.train.rates import GENTLER, PREFERENCES, RATES
from tunewright.train.rule import MEASURED, Rule, Told

_WHERE = "train.learning_rate"


def _hopeless(facts: Facts) -> Told | None:
    rate, rates = facts.spec.rate, RATES.get(facts.tuner)
    if rates is None or rate <= rates.hopeless:
        return None
    what = f"{rate:g} will diverge with `{facts.tuner}`"
    return Told(_WHERE, what, f"try {rates.usual:g}", {"rate": rate, "hopeless": rates.hopeless})


def _risky(facts: Facts) -> Told | None:
    rate, rates = facts.spec.rate, RATES.get(facts.tuner)
    if rates is None or not rates.risky < rate <= rates.hopeless:
        return None
    what = f"{rate:g} is risky with `{facts.tuner}`: most runs go well up to {rates.risky:g}"
    return Told(_WHERE, what, f"try {rates.usual:g}", {"rate": rate, "risky": rates.risky})


def _slow(facts: Facts) -> Told | None:
    rate, rates = facts.spec.rate, RATES.get(facts.tuner)
    gentler = GENTLER if facts.spec.method.name in PREFERENCES else 1
    if rates is None or rate >= rates.slow / gentler:
        return None
    what = f"{rate:g} hardly moves `{facts.tuner}`"
    return Told(_WHERE, what, f"try {rates.usual / gentler:g}", {"rate": rate, "slow": rates.slow / gentler})


def _preferences(facts: Facts) -> Told | None:
    rate, rates, method = facts.spec.rate, RATES.get(facts.tuner), facts.spec.method.name
    if rates is None or method not in PREFERENCES or rate <= rates.usual / GENTLER * 2:
        return None
    what = f"{rate:g} is a rate for `sft`; `{method}` wants about a tenth of it"
    return Told(
        _WHERE, what, f"try {rates.usual / GENTLER:g}", {"rate": rate, "usual": rates.usual / GENTLER}
    )


def _scale(facts: Facts) -> Told | None:
    if facts.tuner not in ("lora", "qlora", "dora"):
        return None
    rank, alpha = facts.option("r", 16), facts.option("alpha", 32)
    rooted = bool(facts.spec.tuner.options.get("rslora", False))
    scale = alpha / max(1.0, rank**0.5 if rooted else rank)
    low, high = (1.0, 32.0) if rooted else (0.25, 8.0)
    if low <= scale <= high:
        return None
    how = "alpha / √r" if rooted else "alpha / r"
    what = f"{how} is {scale:.3g}: the change counts {'too much' if scale > high else 'next to nothing'}"
    wanted = round(2 * rank) if not rooted else round(8 * rank**0.5)
    place = f"train.tuner.{facts.tuner}.alpha"
    return Told(place, what, f"set `alpha: {max(1, wanted)}`", {"scale": scale, "rank": rank, "alpha": alpha})


_THREADS = "https://github.com"
RULES = (
    Rule("hopeless rate", "error", "the loss rises until it is no number", MEASURED, _hopeless),
    Rule(
        "high rate",
        "warning",
        "the loss falls, jumps up, and may not come back",
        f"{_THREADS}/haotian-liu/LLaVA/issues/1301",
        _risky,
    ),
    Rule("low rate", "warning", "the run ends where it began", MEASURED, _slow),
    Rule(
        "preference rate",
        "warning",
        "answers fall apart into repetitions although the preferences seem learned",
        f"{_THREADS}/huggingface/trl/issues/1025",
        _preferences,
    ),
    Rule(
        "adapter scale",
        "warning",
        "it multiplies the learning rate: answers break, or nothing is learned",
        f"{_THREADS}/Blaizzy/mlx-vlm/issues/841",
        _scale,
    ),
)
