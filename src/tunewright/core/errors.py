"""What can go wrong, each with what, where and what to do.

TunewrightError                 everything a user can be told
├── SpecError                   the spec does not hold (all problems at once)
├── DataError                   a source or an example cannot be used
├── ModelError                  a model is unknown, broken or not to be had
├── TrainError                  training cannot go on
├── EngineError                 an engine cannot answer
│   └── TooLong                 the conversation does not fit the model's context
├── DeployError                 a release was refused
├── ServeError                  the server cannot start
├── WorkspaceError              the project folder or an artifact is not as it should be
│   └── Busy                    another run is making this artifact right now
├── MissingExtra                an optional part is not installed
└── Stopped                     somebody asked the run to stop (not a failure: it can be resumed)
"""

from __future__ import annotations

from collections.abc import Iterable

from tunewright.core.types import Problem


class TunewrightError(Exception):
    """Something a user can mend: says what, where and what to do, without a traceback."""

    def __init__(
        self, what: str = "", *, where: str = "", fix: str = "", problems: Iterable[Problem] = ()
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems) or (Problem(where=where, what=what, fix=fix),)
        super().__init__(what or "; ".join(problem.what for problem in self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        """Cross a process border with its problems."""
        return (_rebuild, (type(self), self.problems))


def _rebuild(kind: type[TunewrightError], problems: tuple[Problem, ...]) -> TunewrightError:
    return kind(problems=problems)


class SpecError(TunewrightError):
    """The spec does not hold; `problems` has all of them."""


class DataError(TunewrightError):
    """A source or an example cannot be used."""


class ModelError(TunewrightError):
    """A model is unknown, broken or not to be had."""


class TrainError(TunewrightError):
    """Training cannot go on."""


class EngineError(TunewrightError):
    """An engine cannot answer."""


class Unanswerable(EngineError):
    """What is asked for cannot be answered by this engine, or by any."""


class TooLong(EngineError):
    """The conversation does not fit the model's context."""


class DeployError(TunewrightError):
    """A release was refused."""


class ServeError(TunewrightError):
    """The server cannot start."""


class WorkspaceError(TunewrightError):
    """The project folder or an artifact is not as it should be."""


class Busy(WorkspaceError):
    """Another run is making this artifact right now."""


class MissingExtra(TunewrightError):
    """An optional part is not installed."""


class Stopped(TunewrightError):
    """Somebody asked the run to stop; what is finished is kept and `resume` goes on."""
