"""Synthetic examples: made with a teacher or by rule, sifted, and put into a file for a person to look at."""

from tunewright.data.synthetic.making import synthesise
from tunewright.data.synthetic.spec import Kind, Refusal, Synthesis, SynthesisSpec

__all__ = ["Kind", "Refusal", "Synthesis", "SynthesisSpec", "synthesise"]
