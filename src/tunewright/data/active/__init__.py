"""Active learning: which examples are worth a person's time next."""

from tunewright.data.active.learner import Guess, by_meaning, guesses
from tunewright.data.active.pool import Pool
from tunewright.data.active.strategy import STRATEGIES, Strategy, choose

__all__ = ["STRATEGIES", "Guess", "Pool", "Strategy", "by_meaning", "choose", "guesses"]
