"""Closed answers as a trie of tokens: what may come next, and what must."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tunewright.core.errors import EngineError


@dataclass
class Node:
    """A place in the trie; a leaf is a whole choice, its stop token included."""

    children: dict[int, Node] = field(default_factory=dict)
    choice: str | None = None


@dataclass(frozen=True)
class Open:
    """What follows a decision: tokens that leave no choice, then the next question."""

    forced: tuple[int, ...]
    node: Node

    @property
    def choice(self) -> str | None:
        """The answer, if only one is left."""
        return self.node.choice


def trie(choices: Sequence[str], tokens: Callable[[str], Sequence[int]]) -> Node:
    """The choices by their tokens; raises `EngineError` if two of them cannot be told apart."""
    root = Node()
    for choice in dict.fromkeys(choices):
        node = root
        for token in tokens(choice):
            node = node.children.setdefault(token, Node())
        if node.choice is not None or node.children or node is root:
            raise _alike(choice)
        node.choice = choice
    _refuse_inner(root)
    return root


def forced(node: Node) -> Open:
    """Walk on while there is only one way."""
    path: list[int] = []
    while len(node.children) == 1:
        ((token, node),) = node.children.items()
        path.append(token)
    return Open(tuple(path), node)


def depth(node: Node) -> int:
    """Tokens of the longest choice from here."""
    return max((1 + depth(child) for child in node.children.values()), default=0)


def allowed(node: Node) -> Mapping[int, Node]:
    """What may come next."""
    return node.children


def _refuse_inner(node: Node) -> None:
    if node.choice is not None and node.children:
        raise _alike(node.choice)
    for child in node.children.values():
        _refuse_inner(child)


def _alike(choice: str) -> EngineError:
    return EngineError(
        f"the choice `{choice}` cannot be told from another by its tokens",
        where="choices",
        fix="rename one of them, or give the model a stop token",
    )
