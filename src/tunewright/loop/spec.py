"""The spec of a project: one section a stage, read from one YAML file, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError, field_validator

from tunewright.core.errors import SpecError
from tunewright.core.types import Frozen, Problem
from tunewright.data import DataSpec
from tunewright.define import DefineSpec
from tunewright.deploy import DeploySpec, ServeSpec
from tunewright.evaluate import EvaluateSpec
from tunewright.iterate import IterateSpec
from tunewright.loop.near_miss import explain
from tunewright.loop.paths import put
from tunewright.loop.sweep.spec import SweepSpec
from tunewright.train import TrainSpec

FILE = "tunewright.yaml"


class Spec(Frozen):
    """From the objective to the next round, one section a stage."""

    name: str = Field(default="project", description="name of the project and of what it serves")
    seed: int = Field(default=0, ge=0, description="chance is derived from it everywhere")
    model: str = Field(
        default="smollm2-135m-instruct",
        description="base model: a name of the catalogue, a local folder, or `hub:ORG/NAME`",
    )
    define: DefineSpec = Field(description="the objective and its targets")
    data: DataSpec = Field(description="where the examples come from and how they are split")
    train: TrainSpec = Field(default=TrainSpec(), description="how the base model is tuned")
    sweep: SweepSpec = Field(default=SweepSpec(), description="which settings `tunewright sweep` tries")
    evaluate: EvaluateSpec = Field(default=EvaluateSpec(), description="what is compared, and how")
    deploy: DeploySpec = Field(default=DeploySpec(), description="what is packed and served")
    serve: ServeSpec = Field(default=ServeSpec(), description="what a server takes on at once")
    iterate: IterateSpec = Field(default=IterateSpec(), description="what the next round looks at")

    @field_validator("name")
    @classmethod
    def _a_file_name(cls, name: str) -> str:
        if not name or not all(letter.isalnum() or letter in "-_." for letter in name):
            raise ValueError("use letters, digits, `-`, `_` and `.`")
        return name

    @classmethod
    def read(cls, path: Path) -> Spec:
        """Read and validate a YAML file; raises `SpecError` with every problem at once."""
        return cls.parse(read_values(path), where=path.name)

    @classmethod
    def sections(cls, values: object) -> dict[str, Any]:
        """What can be read of values that do not hold as a whole: sections without their wrong keys."""
        given = values if isinstance(values, dict) else {}
        found: dict[str, Any] = {}
        for name in cls.model_fields.keys() & given.keys():
            kind: Any = TypeAdapter(cls.model_fields[name].annotation)
            with suppress(ValidationError):
                found[name] = kind.validate_python(_without_wrong_keys(kind, given[name]))
        return found

    @classmethod
    def parse(cls, values: object, *, where: str = FILE) -> Spec:
        """Validate plain values; raises `SpecError` with every problem at once."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SpecError(problems=tuple(explain(error, cls, where))) from None

    def with_overrides(self, *settings: str) -> Spec:
        """The spec with `path=value` settings such as `train.epochs=1`; the value is YAML."""
        values = self.model_dump(mode="json", exclude_unset=True)
        problems: list[Problem] = []
        for setting in settings:
            problems.extend(_set(values, setting))
        if problems:
            raise SpecError(problems=problems)
        return self.parse(values, where="--set")

    def to_yaml(self) -> str:
        """The spec as YAML, only what was set."""
        values = self.model_dump(mode="json", exclude_unset=True)
        return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=100)


def _without_wrong_keys(kind: Any, value: object) -> object:  # noqa: ANN401 - pydantic's own
    if not isinstance(value, dict):
        return value
    try:
        kind.validate_python(value)
    except ValidationError as error:
        wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
        return {key: item for key, item in value.items() if key not in wrong}
    return value


def _set(values: dict[str, Any], setting: str) -> Iterator[Problem]:
    path, equals, text = setting.partition("=")
    if not equals or not path:
        yield Problem(where="--set", what=f"`{setting}` is no setting", fix="write `path=value`")
        return
    try:
        put(values, Spec, path.strip(), value_of(text, where="--set"))
    except ValueError:
        yield Problem(where="--set", what=f"`{path}` leads through a value", fix="shorten the path")
    except SpecError as error:
        yield from error.problems


def value_of(text: str, *, where: str) -> Any:  # noqa: ANN401 - whatever the text says
    """The value of an option, in YAML; raises `SpecError`."""
    try:
        return yaml.load(text, Loader=_Strict)
    except (yaml.YAMLError, RecursionError):
        raise SpecError(f"`{text}` is no YAML value", where=where, fix="quote it") from None


class _Strict(yaml.SafeLoader):
    """YAML in which a key is a word that stands once, and dates stay as written."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the library has it
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            what = "a list or mapping stands where a key should; put a value with braces in quotes"
            raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
        if key.value in seen:
            what = f"the key `{key.value}` stands twice"
            raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_values(path: Path) -> object:
    """The plain values of a YAML file; raises `SpecError` with the line if it is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise SpecError(
            "there is no spec here", where=str(path), fix="make one with `tunewright new`"
        ) from None
    except UnicodeDecodeError:
        raise SpecError("the spec is no UTF-8 text", where=str(path), fix="save it as UTF-8") from None
    except OSError as error:
        raise SpecError(
            f"the spec cannot be read: {error.strerror}", where=str(path), fix="make it a readable file"
        ) from None
    found = _parsed(text, path)
    if found is None:
        fix = "write it, or make one with `tunewright new`"
        raise SpecError("the spec is empty", where=path.name, fix=fix)
    return found


def _parsed(text: str, path: Path) -> object:
    try:
        return yaml.load(text, Loader=_Strict)
    except RecursionError:
        what, fix = "this is nested deeper than any spec", "look for brackets that are never closed"
        raise SpecError(what, where=path.name, fix=fix) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(
            f"the character U+{ord(text[error.position]):04X} cannot stand in YAML",
            where=f"{path.name} line {line}",
            fix="take it out",
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path.name} line {mark.line + 1}" if mark else path.name
        raise SpecError(
            f"this is no valid YAML: {error.problem or error.context}",
            where=place,
            fix="mend that line",
        ) from None
