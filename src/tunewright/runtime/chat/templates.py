"""Chat templates as programs of strangers: they may write text, and no more than a bound of it."""
# ruff: noqa: TID253 - imported when a template is compiled

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Any

from jinja2 import TemplateError, TemplateRuntimeError, meta, nodes
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from tunewright.core.errors import ModelError

NAME = "chat_template.jinja"
TURNS = 1_000_000
"""Rounds of all loops of one rendering together."""
LETTERS = 10_000_000
"""Of any text that a template makes, and items of any list."""
WIDTH = 100_000
"""Largest number that a filter or a method of a text is given."""
_COUNTED, _JOINED = "__counted", "__joined"
_WIDENING = {"center", "expandtabs", "ljust", "rjust", "zfill"}
"""Methods of a text whose number is a width."""
_PADDING = {"batch", "center", "indent", "slice", "truncate", "wordwrap"}
"""Filters whose numbers are widths."""
_PERCENT = re.compile(r"%[^%a-zA-Z]*(\d{6}|\*)")
_BRACES = re.compile(r"\{[^{}]*:[^{}]*(\d{6}|\{)")
"""Forms of a text with a width that no text needs, written out or taken from the values."""
_FAULTS = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What a template can fail with, `OverflowError` of a long `range` among them."""


def compiled(text: str) -> Callable[[dict[str, Any]], str]:
    """A function that renders the template; both raise `ModelError`."""
    environment = _Environment()
    try:
        tree = _Bounds().visit(environment.parse(text))
        template = environment.from_string(tree)
    except (TemplateError, RecursionError) as error:
        raise broken(error) from error

    def rendered(values: dict[str, Any]) -> str:
        environment.left.turns = TURNS
        try:
            return _whole(template.generate(**values))
        except (*_FAULTS, MemoryError) as error:
            raise broken(error) from error

    return rendered


def variables(text: str) -> frozenset[str]:
    """Names that a template looks for in what it is given."""
    return frozenset(meta.find_undeclared_variables(_Environment().parse(text)))


def broken(error: BaseException) -> ModelError:
    """The error of a template that fails on a conversation."""
    return ModelError(
        f"the chat template fails on this conversation: {str(error) or type(error).__name__}",
        where=NAME,
        fix="look at the roles of the conversation's turns, and at the template",
    )


class _Environment(ImmutableSandboxedEnvironment):
    """No attribute that leads out, no change of what is given, and bounds on all that grows."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
        self.left = threading.local()  # a rendering stays in its thread
        self.globals.pop("lipsum", None)
        self.globals["raise_exception"] = _refuse
        self.filters["tojson"] = _to_json
        self.filters |= {name: _bounded(one, name in _PADDING) for name, one in self.filters.items()}
        self.filters |= {_COUNTED: self._counted, _JOINED: _joined}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401
        """The product, power or formatted text; refused where it would be too large."""
        if operator == "*":
            sizes = [len(one) for one in (left, right) if isinstance(one, str | list | tuple)]
            numbers = [one for one in (left, right) if isinstance(one, int)]
            if sizes and numbers and sizes[0] * numbers[0] > LETTERS:
                raise _too_large()
        if operator == "**" and (abs(left) > WIDTH or abs(right) > WIDTH.bit_length()):
            raise _too_large()
        if operator == "%" and isinstance(left, str):
            _check_form(_PERCENT, left)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, called: Any, *args: Any, **more: Any) -> Any:  # noqa: ANN401
        """A call that the sandbox allows; refused where it would make too much."""
        if isinstance(owner := getattr(called, "__self__", None), str):  # a method of a text
            _check_method(owner, called.__name__, (*args, *more.values()))
        return _check_size(super().call(context, called, *args, **more))

    def _counted(self, items: Iterable[Any]) -> Iterator[Any]:
        for item in items:
            self.left.turns -= 1
            if self.left.turns < 0:
                raise TemplateRuntimeError(f"its loops have more than {TURNS} rounds")
            yield item


class _Bounds(NodeTransformer):
    """Counts the rounds of every loop, and measures every text that is joined with `~`."""

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _COUNTED, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, _JOINED, [], [], None, None, lineno=node.lineno)


def _whole(pieces: Iterable[str]) -> str:
    """The text, left off where it grows beyond the bound."""
    found, length = list[str](), 0
    for piece in pieces:
        length += len(piece)
        if length > LETTERS:
            raise _too_large()
        found.append(piece)
    return "".join(found)


def _joined(parts: Sequence[Any]) -> str:
    return _whole(map(str, parts))


def _bounded(filtering: Callable[..., Any], pads: bool) -> Callable[..., Any]:
    @wraps(filtering)
    def checked(*args: Any, **more: Any) -> Any:  # noqa: ANN401
        if pads:
            _check_numbers((*args, *more.values()))
        if filtering is FILTERS["format"]:
            _check_form(_PERCENT, str(args[0]))
        return _check_size(filtering(*args, **more))

    return checked


def _check_numbers(values: Iterable[object]) -> None:
    if any(isinstance(one, int) and abs(one) > WIDTH for one in values):
        raise _too_large()


def _check_method(owner: str, name: str, args: Sequence[object]) -> None:
    if name in _WIDENING:
        _check_numbers(args)
    if name in ("format", "format_map"):
        _check_form(_BRACES, owner)
    if name == "replace" and len(owner) * max(map(_length, args), default=0) > LETTERS:
        raise _too_large()


def _check_form(wide: re.Pattern[str], form: str) -> None:
    if wide.search(form):
        raise _too_large()


def _check_size(made: Any) -> Any:  # noqa: ANN401
    if _length(made) > LETTERS:
        raise _too_large()
    return made


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise ModelError(
        f"the chat template refuses this conversation: {message}",
        where=NAME,
        fix="look at the roles of the conversation's turns",
    )


def _too_large() -> TemplateRuntimeError:
    return TemplateRuntimeError("it makes more text than any conversation has")
