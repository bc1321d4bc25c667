"""Every built-in scorer and transform keeps to the port that plug-in authors are tested against."""

import pytest

from tunewright.data.ports import Transform
from tunewright.runtime import plugins
from tunewright.runtime.measure.ports import Scorer
from tunewright.testing.conformance import ScorerConformance, TransformConformance


@pytest.mark.parametrize("name", plugins.names("scorers"))
@pytest.mark.parametrize("law", [name for name in dir(ScorerConformance) if name.startswith("test_")])
def test_a_built_in_scorer_conforms(name: str, law: str) -> None:
    class Conformance(ScorerConformance):
        def plugin(self) -> Scorer:
            made: Scorer = plugins.make("scorers", name)
            return made

    getattr(Conformance(), law)()


@pytest.mark.parametrize("name", plugins.names("transforms"))
@pytest.mark.parametrize("law", [name for name in dir(TransformConformance) if name.startswith("test_")])
def test_a_built_in_transform_conforms(name: str, law: str) -> None:
    class Conformance(TransformConformance):
        def plugin(self) -> Transform:
            made: Transform = plugins.make("transforms", name)
            return made

    getattr(Conformance(), law)()
