"""From what llama.cpp says to deltas: its tokens by id, and the text that our tokenizer makes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.core.errors import EngineError
from tunewright.core.types import Delta, FinishReason, Request
from tunewright.runtime.chat import Chat
from tunewright.runtime.engines.text import Writer

Likeliest = tuple[tuple[tuple[int, float], ...], ...]


class Words:
    """The words of one answer.

    llama.cpp holds back tokens that are parts of one character, and then tells the text without their ids:
    they are found again by cutting the text, or, where that gives another number of tokens, left out.
    """

    def __init__(self, chat: Chat, ends: frozenset[int], request: Request) -> None:
        self._chat, self._ends, self._likeliest = chat, ends, request.likeliest
        self._writer = Writer(chat.decode, request.stop)
        self._seen = 0

    def take(self, piece: Mapping[str, Any]) -> Delta:
        """One piece of a stream."""
        if piece.get("stop"):
            return self._last(piece)
        ids = self._ids(piece)
        text = self._text(ids, str(piece["content"]))
        stopped = self._writer.stopped or bool(self._ends & set(ids))
        if stopped:
            text += self._writer.end()
        near = likeliest(piece, ids, self._likeliest)
        delta = Delta(text=text, token_ids=ids, logprobs=_logprobs(piece, ids), likeliest=near)
        return self._ended(delta, "stop") if stopped else delta

    def all(self, said: Mapping[str, Any]) -> Delta:
        """A whole answer."""
        ids = _until(tuple(map(int, said["tokens"])), self._ends)
        text = "".join(
            self._writer.push(one) for one in ids if one not in self._ends and not self._writer.stopped
        )
        return Delta(
            text=text + self._writer.end(),
            token_ids=ids,
            logprobs=_logprobs(said, ids),
            likeliest=likeliest(said, ids, self._likeliest),
            finish_reason=self._reason(said, ids),
        )

    def _last(self, piece: Mapping[str, Any]) -> Delta:
        self._seen = int(piece["tokens_predicted"])
        return self._ended(Delta(text=self._writer.end()), self._reason(piece, ()))

    def _ended(self, delta: Delta, reason: FinishReason) -> Delta:
        return delta.model_copy(update={"finish_reason": reason, "answer_tokens": self._seen})

    def _reason(self, said: Mapping[str, Any], ids: Sequence[int]) -> FinishReason:
        ended = self._writer.stopped or bool(self._ends & set(ids))
        return "stop" if ended or said.get("stop_type") in ("eos", "word") else "length"

    def _ids(self, piece: Mapping[str, Any]) -> tuple[int, ...]:
        told = tuple(map(int, piece["tokens"]))
        count = int(piece["tokens_predicted"]) - self._seen
        self._seen += count
        if len(told) == count:
            return told
        cut = tuple(self._chat.encode(str(piece["content"])))
        return cut if len(cut) == count and cut[-len(told) :] == told else ()

    def _text(self, ids: Sequence[int], content: str) -> str:
        if not ids:
            return self._writer.say(content)
        return "".join(self._writer.push(one) for one in ids if one not in self._ends)


def _until(ids: tuple[int, ...], ends: frozenset[int]) -> tuple[int, ...]:
    """The tokens up to the first that ends an answer, which belongs to it."""
    place = next((place + 1 for place, one in enumerate(ids) if one in ends), len(ids))
    return ids[:place]


def logprob_of(told: Mapping[str, Any]) -> float:
    """Log-probability of a token as llama.cpp tells it; raises `EngineError` where it is no number."""
    if told["logprob"] is None:
        raise EngineError(
            "llama.cpp computes no numbers from this GGUF file: its weights are damaged",
            where="engine llamacpp",
            fix="export it again, or copy it again",
        )
    return min(0.0, float(told["logprob"]))


def likeliest(said: Mapping[str, Any], ids: Sequence[int], number: int) -> Likeliest:
    """Of every token, so many of the likeliest in its place; nothing where they are not told or wanted."""
    if number == 0:
        return ()
    return tuple(
        tuple((int(near["id"]), logprob_of(near)) for near in one["top_logprobs"][:number])
        for one in _told(said, ids)
    )


def _logprobs(said: Mapping[str, Any], ids: Sequence[int]) -> tuple[float, ...]:
    """One of every token, or none."""
    return tuple(map(logprob_of, _told(said, ids)))


def _told(said: Mapping[str, Any], ids: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """What llama.cpp tells of every token, or nothing."""
    told = (said.get("completion_probabilities") or [])[: len(ids)]
    return told if [int(one["id"]) for one in told] == list(ids) else ()
