"""Every built-in scorer keeps to the port that plug-in authors are tested against."""

import pytest

from tunewright.runtime import plugins
from tunewright.runtime.measure.ports import Scorer
from tunewright.testing.conformance import ScorerConformance


@pytest.mark.parametrize("name", plugins.names("scorers"))
@pytest.mark.parametrize("law", [name for name in dir(ScorerConformance) if name.startswith("test_")])
def test_a_built_in_scorer_conforms(name: str, law: str) -> None:
    class Conformance(ScorerConformance):
        def plugin(self) -> Scorer:
            made: Scorer = plugins.make("scorers", name)
            return made

    getattr(Conformance(), law)()
