"""The section `data` of the spec: where examples come from and how they are split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tunewright.core.types import Frozen
from tunewright.runtime.plugins import Named

Shape = Literal[
    "messages",
    "sharegpt",
    "instruction",
    "completion",
    "label",
    "preference",
    "desirable",
    "transcript",
    "marked",
    "text",
]


class Columns(Frozen):
    """Which column holds what; only those that detection cannot tell need to be named."""

    text: str | None = Field(default=None, description="the question of a `label` source")
    label: str | None = Field(default=None, description="its label")
    instruction: str | None = Field(default=None, description="what an `instruction` source asks for")
    input: str | None = Field(default=None, description="what the instruction is applied to, may be empty")
    output: str | None = Field(default=None, description="the right answer to it")
    prompt: str | None = Field(default=None, description="the question of a `completion` source")
    completion: str | None = Field(default=None, description="the right answer to it")
    messages: str | None = Field(
        default=None, description="conversations: lists of role and content, or of from and value"
    )
    system: str | None = Field(default=None, description="system message of the example, may be empty")
    chosen: str | None = Field(default=None, description="the better answer of a `preference` source")
    rejected: str | None = Field(default=None, description="the worse answer")
    desirable: str | None = Field(
        default=None, description="true or false: whether the answer of a `desirable` source is a good one"
    )
    group: str | None = Field(
        default=None,
        description="examples of one group stay in one split; `split.overlap` holds for groups too",
    )
    time: str | None = Field(
        default=None,
        description="when it was said: ISO 8601, `31.5.2024 9:30`, dates of mails, seconds since 1970; "
        "UTC where no zone is named",
    )
    time_form: str | None = Field(
        default=None, description="how times are written, where that is not customary: `%d/%m/%Y %H:%M`"
    )
    outcome: str | None = Field(
        default=None, description="how it ended, such as `resolved`: kept as the tag `outcome:resolved`"
    )
    id: str | None = Field(default=None, description="name of the example; its content if left out")
    tags: str | None = Field(
        default=None, description="tags of the example, a JSON list; a column `tags` of lists is read unasked"
    )

    def named(self) -> dict[str, str]:
        """Role → column, of those that are named."""
        return self.model_dump(exclude_none=True, exclude={"time_form"})


def _listed(value: object) -> object:
    """One source may stand without a list."""
    return (value,) if isinstance(value, str | dict | Named) else value


Files = Annotated[tuple[str | Named, ...], BeforeValidator(_listed)]


Transforms = Annotated[tuple[Named, ...], BeforeValidator(_listed)]


class Deduplicate(Frozen):
    """Which of several examples that are the same are taken out, and what is shown as alike."""

    by: Literal["exact", "normalised", "near"] = Field(
        default="exact",
        description="`exact` is letter for letter; `normalised` but for case, spacing and punctuation; "
        "`near` also where the questions are at least `remove` alike and the answers are, too",
    )
    remove: float = Field(default=0.9, description="how alike near-duplicates are that are taken out, 0 to 1")
    show: float = Field(
        default=0.6,
        description="how alike examples are that are shown together, 0 to 1; 1 shows the same only",
    )
    keep: Literal["longest", "first"] = Field(
        default="longest",
        description="which one stays: that with the longest answer (the first in file order where several "
        "have), or the first in file order",
    )


def _chosen(value: object) -> object:
    """`false` is nothing at all, `true` the default, a word the kind."""
    if isinstance(value, bool):
        return {} if value else None
    return {"by": value} if isinstance(value, str) else value


class Splitting(Frozen):
    """How examples are cut into splits, and what must not stand in two of them."""

    validation: float = Field(
        default=0.15, description="share of the examples for validation, unless there are files for it"
    )
    test: float = Field(
        default=0.15, description="share of the examples for the test, unless there are files for it"
    )
    by: Annotated[tuple[Literal["label", "time"], ...], BeforeValidator(_listed)] = Field(
        default=("label",),
        description="`label` cuts every label by the same shares; `time` takes the newest for the test, "
        "those before them for validation; `[label, time]` the newest of each label; `[]` is chance alone. "
        "Groups and near-duplicates stay together whatever stands here",
    )
    overlap: Literal["remove", "report"] = Field(
        default="remove",
        description="training examples that stand in your own test files or in `against` too, or share a "
        "group with them: `remove` drops them from training; `report` keeps them and marks the test "
        "examples, so that the report gives both figures",
    )
    against: Files = Field(
        default=(), description="evaluation sets that training must not contain, as files of any kind"
    )
    near: float = Field(
        default=0.7, description="how alike two texts are that must not be in two splits, 0 to 1"
    )


class Replay(Frozen):
    """General examples against forgetting: trained on, never evaluated."""

    sources: Files = Field(description="where they come from, as in `data.sources`")
    share: float = Field(default=0.1, description="share of the training examples that they are, 0 to 1")


class Mix(Frozen):
    """What training sees how often, by source."""

    ratios: dict[str, float] = Field(
        default={},
        description="how often the examples of a source stand in training: 2 is twice, 0.5 every other one, "
        "by chance; 1 unless it is named",
    )
    weights: dict[str, float] = Field(
        default={}, description="how much the loss of a source's examples counts; 1 unless it is named"
    )
    replay: Replay | None = Field(
        default=None,
        description="general examples against forgetting: `{sources: general.jsonl, share: 0.1}`",
    )


class DataSpec(Frozen):
    """Sources, how they are read, and how they are split."""

    sources: Files = Field(
        description="tables (JSONL, JSON, CSV, TSV, Parquet, Arrow, Excel; `.gz` and `.zst` of the texts), "
        "documents (PDF, DOCX, HTML, Markdown, plain text), mails, folders of them, `hub:ORG/NAME`, or "
        "sources by name"
    )
    test: Files = Field(default=(), description="your own test files; without, a share of the sources")
    validation: Files = Field(default=(), description="your own validation files; without, a share")
    columns: Columns = Field(
        default=Columns(), description="which column holds what, if detection cannot tell"
    )
    format: Shape | None = Field(
        default=None, description="the shape of the examples, if detection cannot tell"
    )
    transforms: Transforms = Field(
        default=(),
        description="what is done to the texts, in this order, before anything is stored: "
        "`unicode` or `{unicode: {option: value}}`",
    )
    split: Splitting = Field(
        default=Splitting(), description="how examples are cut into splits: `{test: 0.1, validation: 0.1}`"
    )
    mix: Mix = Field(
        default=Mix(), description="what training sees how often: `{ratios: {data/old.csv: 0.5}}`"
    )
    deduplicate: Annotated[Deduplicate | None, BeforeValidator(_chosen)] = Field(
        default=Deduplicate(),
        description="keep one of several examples that are the same: `exact`, `normalised`, `near`, `false`, "
        "or `{by: near, remove: 0.9, show: 0.6, keep: longest}`",
    )
    skip_bad_lines: bool = Field(default=False, description="leave bad lines out instead of stopping")

    @property
    def every(self) -> Files:
        """Every source that the section reads."""
        replayed = self.mix.replay.sources if self.mix.replay else ()
        return (*self.sources, *self.validation, *self.test, *replayed, *self.split.against)
