"""The nouns of the house: frozen plain data that travels between layers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["system", "user", "assistant", "tool"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
TaskType = Literal[
    "classification",
    "extraction",
    "summarisation",
    "question-answering",
    "rewriting",
    "generation",
    "chat",
    "code",
    "translation",
]


class Frozen(BaseModel):
    """Plain data: closed, immutable, equal by value."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Severity = Literal["error", "warning", "note"]


class Problem(Frozen):
    """One thing that is wrong: where, what, and what to do about it."""

    where: str = ""
    what: str
    fix: str = ""
    fatal: bool = True

    @property
    def severity(self) -> Severity:
        """How bad it is, in a word."""
        return "error" if self.fatal else "warning"


class Finding(Problem):
    """A problem that is known by name: it also says what it is expected to do."""

    fatal: bool = False
    kind: str
    effect: str
    """What it is expected to do to the trained model."""


class Message(Frozen):
    """One turn of a conversation."""

    role: Role
    content: str
    tool_calls: tuple[dict[str, Any], ...] = ()
    """Functions that the assistant called, `{id, type, function: {name, arguments}}` each."""
    tool_call_id: str | None = None
    """Which call a turn of the role `tool` answers."""


class Example(Frozen):
    """One example: a conversation whose last assistant turn is the right answer, or raw text."""

    id: str
    messages: tuple[Message, ...] = ()
    text: str | None = None
    rejected: str | None = None
    references: tuple[str, ...] = ()
    desirable: bool | None = None
    label: str | None = None
    group: str | None = None
    time: dt.datetime | None = None
    weight: float = 1.0
    tags: tuple[str, ...] = ()
    source: str = ""

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The turns before the answer."""
        return self.messages[:-1] if self.answer is not None else self.messages

    @property
    def answer(self) -> str | None:
        """The last turn if the assistant speaks it, else None."""
        last = self.messages[-1] if self.messages else None
        return last.content if last is not None and last.role == "assistant" else None


class Artifact(Frozen):
    """Something a step made: what is big lies under `path`, what is small stands here."""

    schema_version: int = 1
    id: str
    """`<kind>-<key>`: the same inputs give the same id."""
    path: Path
    """Folder that holds the files. Not written to disk: an artifact is where its manifest is."""
    digest: str
    """SHA-256 over the content of the files."""
    parents: tuple[str, ...] = ()
    """Ids of the artifacts it was made from."""
    seed: int | None = None
    """What chance was derived from; None where that was not kept."""
    version: str = ""
    """Version of tunewright that made it."""


class Target(Frozen):
    """A number promised before training; a missed one can be waived with a reason and a name."""

    metric: str = Field(description="name of a metric of the report, such as `accuracy`")
    at_least: float | None = Field(default=None, description="met when the value is at least this")
    at_most: float | None = Field(default=None, description="met when the value is at most this")
    baseline: float | None = Field(default=None, description="where you stand today")
    deadline: dt.date | None = Field(default=None, description="when it must be met")
    waived: str | None = Field(default=None, description="why a miss is accepted, and by whom")

    @model_validator(mode="after")
    def _one_bound(self) -> Target:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a target needs exactly one of `at_least` and `at_most`")
        return self


class Task(Artifact):
    """The objective, frozen: what the model is for and when it is good enough."""

    objective: str
    type: TaskType
    instruction: str | None = None
    """The system message of the tuned model; the objective itself unless the spec gives one."""
    targets: tuple[Target, ...] = ()
    metrics: tuple[str, ...] = ()
    """Names of the scorers of the task, the first is the one candidates are compared by."""


class Overlap(Frozen):
    """Examples of an evaluation set that stand in `train` too; `near` holds `normalised`, that `exact`."""

    split: str
    """`validation`, `test`, or the name of a file of `data.split.against`."""
    exact: int = 0
    normalised: int = 0
    near: int = 0
    grouped: int = 0
    """Examples that say something else, but whose group stands in `train` too."""
    examples: int = 0
    """Size of the split."""
    removed_from_train: int = 0
    """Training examples that were taken out because of it."""


class Portion(Frozen):
    """What training sees of one source."""

    source: str
    examples: int
    """Different examples."""
    standing: int
    """How often they stand in training, repeats counted."""
    share: float
    """Of all that stands in training, 0 to 1."""
    weight: float
    """How much their loss counts, on average; 1 is usual."""
    replay: bool = False
    """General examples against forgetting."""


class Dataset(Artifact):
    """Frozen splits: `train.parquet`, `validation.parquet`, `test.parquet` under `path`."""

    counts: dict[str, int]
    """Examples per split."""
    labels: tuple[str, ...] = ()
    """Every label, sorted; empty where the task has none."""
    formats: dict[str, str] = {}
    """Row shape that was detected, by source."""
    overlaps: tuple[Overlap, ...] = ()
    """What was found across the splits before anything was removed."""
    mix: tuple[Portion, ...] = ()
    """What training sees, by source."""
    sources: dict[str, str] = {}
    """SHA-256 of every source, by its name in the spec."""
    duplicates_removed: int = 0
    problems: tuple[Problem, ...] = ()
    """Lines that were left out, and why."""
    spec: dict[str, Any] = {}
    """The section `data` that it was made by, as far as it differs from the defaults."""


class ModelRef(Frozen):
    """A base model by name, revision and content."""

    name: str
    revision: str
    sha256: str
    """Digest over the weights file(s) as they were loaded."""
    architecture: str = ""
    parameters: int = 0
    context: int = 0
    """Longest input plus output, in tokens."""
    licence: str = ""


class Checkpoint(Artifact):
    """A model that can answer: a base model, and an adapter under `path` if it was tuned."""

    base: ModelRef
    tuner: str | None = None
    """None for an untouched base model; then `path` is the folder of its weights."""
    method: str | None = None
    template_sha256: str = ""
    """Digest of `chat_template.jinja`, which lies beside the weights and serves them."""
    instruction: str | None = None
    """The system message it was trained with."""
    labels: tuple[str, ...] = ()
    trained_parameters: int = 0
    metrics: dict[str, float] = {}
    """Figures of the run: `validation_loss`, `seconds`, `tokens_per_second`, `peak_gb` …"""


CandidateKind = Literal["classical", "zero-shot", "few-shot", "tuned"]


class Candidate(Frozen):
    """What is compared: a checkpoint (or a classical model) and the prompt strategy around it."""

    name: str
    kind: CandidateKind
    checkpoint: Checkpoint | None = None
    instruction: str | None = None
    """System message; `{labels}` stands for the label list. None sends no system turn."""
    shots: tuple[str, ...] = ()
    """Ids of training examples shown before the question, in order."""


class Request(Frozen):
    """One question to an engine."""

    messages: tuple[Message, ...] = ()
    prompt: tuple[int, ...] = ()
    """Token ids to go on from in place of a conversation, past the template."""
    tools: tuple[dict[str, Any], ...] = ()
    """Functions that the model is shown, in OpenAI's form, where its template knows of them."""
    max_tokens: int = 256
    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    """If given, the answer is one of these, letter for letter (constrained decoding); `max_tokens`
    and `stop` do not count, and tokens that the list leaves no choice about have no logprob."""
    json_schema: dict[str, Any] | None = None
    """If given, the answer is JSON that this schema describes (constrained decoding)."""
    logprobs: bool = True
    """Whether log-probabilities of the answer's tokens are wanted; some engines pay for them."""
    likeliest: int = 0
    """How many of the likeliest tokens are told beside each token, with their log-probabilities."""

    @property
    def asked_by(self) -> str:
        """The field that asks, for errors."""
        return "prompt" if self.prompt else "messages"


FinishReason = Literal["stop", "length", "cancelled"]


class Delta(Frozen):
    """A piece of an answer; the last one has a `finish_reason`."""

    text: str = ""
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    """Log-probability of each token, as the model gave it before any constraint."""
    likeliest: tuple[tuple[tuple[int, float], ...], ...] = ()
    """For each of `logprobs`, the likeliest tokens in its place with theirs, where they were asked for."""
    finish_reason: FinishReason | None = None
    prompt_tokens: int = 0
    answer_tokens: int = 0
    """Tokens of the whole answer, on the last delta of an engine that counts them but lacks ids."""


class Completion(Frozen):
    """A whole answer: the fold of its deltas."""

    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    answer_tokens: int = 0
    """Counted by an engine that lacks ids of them."""
    seconds: float = 0.0
    """From asking to the last token, seen from outside."""

    @property
    def tokens(self) -> int:
        """Tokens of the answer."""
        return max(len(self.token_ids), self.answer_tokens)


class Score(Frozen):
    """What a scorer says of one answer: a value, the reason, and counts to combine."""

    value: float
    reason: str = ""
    counts: dict[str, float] = {}


class Metric(Frozen):
    """A number with its interval and the number of examples behind it."""

    name: str
    value: float
    low: float
    high: float
    n: int


class ClassMetrics(Frozen):
    """Precision, recall and F1 of one class."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


class CandidateResult(Frozen):
    """What one candidate achieved on the frozen test set."""

    name: str
    kind: CandidateKind
    checkpoint: str | None = None
    """Id of its checkpoint."""
    instruction: str | None = None
    shots: int = 0
    selection: str = ""
    """How its prompt was chosen on validation."""
    metrics: tuple[Metric, ...] = ()
    per_class: tuple[ClassMetrics, ...] = ()
    latency_p50: float | None = None
    """Seconds for one question asked alone, median; None where it was not measured."""
    latency_p95: float | None = None
    tokens_per_answer: float | None = None

    def metric(self, name: str) -> Metric | None:
        """The metric of that name, or None."""
        return next((metric for metric in self.metrics if metric.name == name), None)


class Comparison(Frozen):
    """Candidate `a` against `b` on the same examples, paired."""

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    p_value: float
    test: str
    """Name of the test that gave the p-value."""
    needed: int | None = None
    """Test examples needed to see this difference with 80 % power; None where it is zero."""


class TargetResult(Frozen):
    """A target beside what was achieved."""

    target: Target
    achieved: Metric | None = None
    met: bool | None = None
    """True, False, or None when the interval holds the bound: more test examples would tell."""


VerdictWord = Literal["ship", "iterate", "needs more examples", "waived"]


class Verdict(Frozen):
    """What to do, and why."""

    word: VerdictWord
    candidate: str | None = None
    """The candidate the verdict is about."""
    reasons: tuple[str, ...] = ()
    needed: int | None = None
    """Test examples that would decide it."""


class Failure(Frozen):
    """One wrong answer."""

    example: str
    text: str
    expected: str
    answered: str


class Report(Artifact):
    """What every candidate achieved, with intervals, comparisons and the verdict."""

    objective: str
    test_examples: int
    results: tuple[CandidateResult, ...]
    comparisons: tuple[Comparison, ...] = ()
    targets: tuple[TargetResult, ...] = ()
    verdict: Verdict
    labels: tuple[str, ...] = ()
    confusion: dict[str, dict[str, dict[str, int]]] = {}
    """Candidate → expected label → answered label → count."""
    notes: tuple[str, ...] = ()
    complete: bool = True
    """False while only the baselines have been evaluated."""


class Drop(Frozen):
    """What a form loses in the metric of the task, on the same examples, paired."""

    metric: str
    value: float
    """Of the trained model less that of the form; below zero the form is better."""
    low: float
    high: float
    n: int
    tolerance: float
    """What it may be at most, as the spec says."""


class Parity(Frozen):
    """Whether two forms of a checkpoint answer alike."""

    a: str
    b: str
    prompts: int
    equal: int
    """Prompts whose token ids were equal from first to last."""
    first_difference: str = ""
    checker: str = ""
    """What opened form `b` again and answered from it."""
    exact: bool = True
    """Whether every token must be equal; a quantised form is measured by agreement and drop instead."""
    ties: int = 0
    """Prompts that parted where two tokens were equally likely but for rounding."""
    agreement: float | None = None
    """Share of the tokens that were said before the answers parted, 0 to 1."""
    drop: Drop | None = None


class Release(Artifact):
    """A packed checkpoint that passed the parity gate."""

    checkpoint: str
    report: str
    form: str
    """Name of the export that packed it, such as `gguf`; its files lie in a folder of that name."""
    engine: str = "transformers"
    """Engine that answers from this form, unless another is asked for."""
    tuner: str | None = None
    """Where the form is an adapter, the tuner that made it."""
    parity: tuple[Parity, ...] = ()
    template_sha256: str = ""
    base: ModelRef
    instruction: str | None = None
    labels: tuple[str, ...] = ()
    allowed: bool = False
    """True if the report allows it; otherwise it can be tried out, but not be promoted."""
    reasons: tuple[str, ...] = ()
    """Why the report does not allow it."""


class FailureGroup(Frozen):
    """Failures that look alike, largest first."""

    name: str
    expected: str
    answered: str
    count: int
    share: float
    """Of all failures."""
    examples: tuple[Failure, ...] = ()


class Change(Frozen):
    """One proposed change of the spec, with its evidence."""

    path: str
    value: Any
    """Value to set at `path`; None where a person has to act."""
    why: str


class Proposal(Artifact):
    """What failed, grouped, and what the next spec should change."""

    report: str
    failures: int
    groups: tuple[FailureGroup, ...] = ()
    changes: tuple[Change, ...] = ()


EventKind = Literal[
    "started", "finished", "reused", "progress", "metric", "note", "warning", "failed", "stopped"
]


class Event(Frozen):
    """Something that happened in a run; a face decides how to show it."""

    kind: EventKind
    step: str = ""
    """`data`, `baselines`, `train`, `evaluate` …"""
    message: str = ""
    time: dt.datetime
    data: dict[str, Any] = {}
    """`done`, `total`, `seconds_left`, `loss`, `tokens_per_second` … by kind."""
