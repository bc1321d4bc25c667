"""The turns of one example: from lists of turns, from transcripts and from texts with chat markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import orjson

Turn = tuple[str, str]
"""Role and content."""

_ROLES = ("system", "user", "assistant", "tool")
TRUE = ("true", "1", "yes", "up", "desirable", "good")
FALSE = ("false", "0", "no", "down", "undesirable", "bad")
"""Words for a good answer and for a bad one."""

_RENAMED = {"developer": "system", "function": "tool"}
_SPEAKERS = {
    "system": "system",
    **dict.fromkeys(("human", "user", "prompter"), "user"),
    **dict.fromkeys(("gpt", "assistant", "chatgpt", "bot", "model", "function_call"), "assistant"),
    **dict.fromkeys(("tool", "observation", "function_response"), "tool"),
}
"""Words for the speakers in ShareGPT files and transcripts."""

_SPOKEN = re.compile(r"(?:\A|\n)[ \t]*(Human|User|Assistant|AI|System)[ \t]*:[ \t]*", re.I)
_HEADS = (
    re.compile(r"<\|im_start\|>[ \t]*(\w+)[ \t]*\n?"),
    re.compile(r"<\|start_header_id\|>\s*(\w+)\s*<\|end_header_id\|>"),
    re.compile(r"<start_of_turn>[ \t]*(\w+)[ \t]*\n?"),
    re.compile(r"<\|(system|user|assistant)\|>"),
    re.compile(r"(?:\A|\n)### ?(Instruction|Input|Response|Human|User|Assistant|System):?[ \t]*(?=\n| |\Z)"),
)
_INSTRUCTED = re.compile(r"\[INST\](.*?)\[/INST\](.*?)(?=\[INST\]|\Z)", re.S)
_SYSTEM = re.compile(r"<<SYS>>(.*?)<</SYS>>", re.S)
_ENDS = re.compile(
    r"<\|im_end\|>|<\|eot_id\|>|<end_of_turn>|<\|end\|>|<\|endoftext\|>|<\|begin_of_text\|>|<bos>|<eos>|</?s>"
)
_MARKED = {"instruction": "user", "input": "input", "response": "assistant", "ai": "assistant"} | _SPEAKERS


class Refused(ValueError):
    """A row cannot be an example; `fix` says what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


def of_list(text: str) -> list[Turn]:
    """Turns of a JSON list: OpenAI's role and content, or ShareGPT's from and value."""
    try:
        turns = orjson.loads(text)
    except orjson.JSONDecodeError:
        turns = None
    if isinstance(turns, dict) and isinstance(turns.get("messages"), list):  # OpenAI's preference files
        turns = turns["messages"]
    if not isinstance(turns, list):
        raise Refused("the conversation is not a JSON list", 'write [{"role": …, "content": …}, …]')
    return [_turn(turn) for turn in turns]


def _turn(turn: Any) -> Turn:  # noqa: ANN401 - any JSON value
    if isinstance(turn, dict) and "from" in turn and "value" in turn:
        role = _SPEAKERS.get(str(turn["from"]).casefold(), str(turn["from"]))
        content = turn["value"]
    elif isinstance(turn, dict) and "role" in turn and "content" in turn:
        role, content = turn["role"], _joined(turn["content"])
        role = _RENAMED.get(role, role) if isinstance(role, str) else role
    else:
        raise Refused("a turn has no `role` or no `content`", 'write {"role": …, "content": …}')
    if role not in _ROLES:
        raise Refused(f"unknown role `{str(role)[:40]}`", f"roles are {', '.join(_ROLES)}")
    if not isinstance(content, str) or not content.strip():
        raise Refused(f"the `{role}` turn has no text", "give every turn a text")
    return role, content.strip()


def _joined(content: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The text of a content in parts; anything else as it is."""
    if not isinstance(content, list):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict)]
    sound = len(texts) == len(content) and all(isinstance(text, str) for text in texts)
    return "\n".join(map(str, texts)) if sound else None


def checked(turns: Sequence[Turn]) -> None:
    """Refuse a conversation that nothing can be learned from."""
    roles = [role for role, _ in turns]
    if not roles or roles[-1] != "assistant":
        what = "the last turn is not from the assistant, so there is nothing to learn"
        raise Refused(what, "end every example with an `assistant` turn")
    if "user" not in roles or roles.index("user") > roles.index("assistant"):
        raise Refused("the assistant speaks before anybody asked", "begin with a `user` turn")
    if "system" in roles[1:]:
        raise Refused("a `system` turn stands after others", "put it first")


def of_transcript(text: str) -> list[Turn]:
    """Turns of a text in which every turn begins with `Human:`, `User:`, `Assistant:` or `AI:`."""
    before, turns = _cut(_SPOKEN, text)
    if not turns or before:
        raise Refused("this text is no transcript", "begin every turn with `Human:` or `Assistant:`")
    return turns


def of_markup(text: str) -> list[Turn]:
    """Turns of a text with the markup of a chat template, or with `### Instruction:` and the like.

    Known: ChatML, Llama 2 and 3, Gemma, Zephyr, Alpaca. What stands before the first turn is a system turn.
    """
    if "[INST]" in text:
        return _instructed(text)
    for head in _HEADS:
        before, turns = _cut(head, text)
        if turns:
            return [("system", before), *turns] if before and turns[0][0] != "system" else turns
    raise Refused("this text has no known chat markup", "mend it, or take the example out")


def _cut(head: re.Pattern[str], text: str) -> tuple[str, list[Turn]]:
    before, *rest = head.split(text)
    turns: list[Turn] = []
    for name, content in zip(rest[::2], rest[1::2], strict=True):
        role, said = _MARKED.get(name.casefold(), name), _ENDS.sub("", content).strip()
        if role == "input":
            role = "user"
            if turns and turns[-1][0] == "user":
                said = f"{turns.pop()[1]}\n\n{said}".strip()
        if role not in _ROLES:
            raise Refused(f"unknown role `{role[:40]}`", f"roles are {', '.join(_ROLES)}")
        turns.append((role, said))
    empty = next((role for role, said in turns if not said), None)
    if empty:
        raise Refused(f"the `{empty}` turn has no text", "give every turn a text")
    return _ENDS.sub("", before).strip(), turns


def _instructed(text: str) -> list[Turn]:
    turns: list[Turn] = []
    for asked, said in _INSTRUCTED.findall(text):
        system = _SYSTEM.search(asked)
        if system and not turns:
            turns.append(("system", system[1].strip()))
        turns += [("user", _SYSTEM.sub("", asked).strip()), ("assistant", _ENDS.sub("", said).strip())]
    if not all(said for _, said in turns):
        raise Refused("a turn has no text", "give every turn a text")
    return turns


def looks_marked(text: str) -> bool:
    """True if the text has turns in chat markup, the last of them from the assistant."""
    return _learnable(of_markup, text)


def looks_spoken(text: str) -> bool:
    """True if the text is a transcript whose last turn is from the assistant."""
    return _learnable(of_transcript, text)


def _learnable(read: Any, text: str) -> bool:  # noqa: ANN401 - one of the functions above
    try:
        checked(read(text))
    except Refused:
        return False
    return True


def preferred(prompt: str | None, chosen: str, rejected: str) -> tuple[list[Turn], str]:
    """The conversation that ends with the better answer, and the worse answer in its place.

    Each may be plain text, a transcript, or a JSON list of turns. Without a prompt, what both
    conversations share is it.
    """
    better, worse = _ending(chosen, bool(prompt)), _ending(rejected, bool(prompt))
    asked = _asked(prompt) if prompt else better[:-1]
    if not prompt and worse[:-1] != asked:
        raise Refused(
            "the two answers do not belong to the same conversation", "give both the same turns before them"
        )
    if prompt and len(better) > 1:  # whole conversations beside a prompt
        asked = better[:-1]
    turns = [*asked, better[-1]]
    checked(turns)
    return turns, worse[-1][1]


def _asked(prompt: str) -> list[Turn]:
    if prompt.lstrip().startswith(("[", "{")) and _is_turns(prompt):
        return of_list(prompt)
    if _SPOKEN.match(prompt.strip()):
        return of_transcript(re.sub(r"\n\s*Assistant[ \t]*:\s*\Z", "", prompt, flags=re.I))
    return [("user", prompt)]


def _ending(text: str, prompted: bool) -> list[Turn]:
    """The turns up to the answer; one turn where it stands alone."""
    if _is_turns(text):
        found = orjson.loads(text)
        return [_turn(found)] if isinstance(found, dict) else of_list(text)
    if _SPOKEN.match(text.strip()) and not prompted:
        return of_transcript(text)
    if not prompted:
        raise Refused("there is no prompt", "name its column in `data.columns.prompt`")
    return [("assistant", text)]


def _is_turns(text: str) -> bool:
    if text[:1] not in ("[", "{"):
        return False
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    first = found[0] if isinstance(found, list) and found else found
    return isinstance(first, dict) and bool({"role", "from", "messages"} & first.keys())
