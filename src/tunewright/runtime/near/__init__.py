"""Near-duplicates: texts that share most of their character 4-grams.

Similarity is the Jaccard index of the sets of 4-grams of the normalised texts. There are two ways to
the pairs. `near_pairs`, `near_matches` and `clusters` miss nothing, at a cost that grows with the square of
the number of texts: splits and overlap use them, so that "nothing near crosses" is proven. The cost of
`likely_pairs` grows with the number of texts; it may miss a pair, but never gives a wrong one: every
similarity is counted, not estimated.
"""

from tunewright.runtime.near.exact import THRESHOLD, clusters, connected, near_matches, near_pairs
from tunewright.runtime.near.grams import Pair, normalised, similarity
from tunewright.runtime.near.minhash import likely_normalised_pairs, likely_pairs

__all__ = [
    "THRESHOLD",
    "Pair",
    "clusters",
    "connected",
    "likely_normalised_pairs",
    "likely_pairs",
    "near_matches",
    "near_pairs",
    "normalised",
    "similarity",
]
