"""Probe: what is looked at beside the validation examples, cheaply, before and while a run goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunewright.core.types import Message
from tunewright.runtime.chat import Chat, Rendered

ENDINGS = 64
"""Answers whose end is looked at."""
GENERAL = (
    ("What is the capital of France?", "The capital of France is Paris."),
    ("How many days are there in a week?", "There are seven days in a week."),
    ("What is 12 plus 30?", "12 plus 30 is 42."),
    ("Which planet is closest to the Sun?", "Mercury is the planet closest to the Sun."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("What do bees make?", "Bees make honey."),
    ("Name three primary colours.", "Three primary colours are red, yellow and blue."),
    ("Who wrote Romeo and Juliet?", "William Shakespeare wrote Romeo and Juliet."),
    ("What is water made of?", "Water is made of hydrogen and oxygen."),
    ("Is a whale a fish?", "No, a whale is a mammal: it breathes air and feeds its young with milk."),
    ("What is the past tense of go?", "The past tense of go is went."),
    ("How many minutes are in two hours?", "There are 120 minutes in two hours."),
    ("Why do leaves look green?", "Leaves look green because of chlorophyll, which reflects green light."),
    ("What is the largest ocean?", "The Pacific Ocean is the largest ocean on Earth."),
    ("Give a synonym of quick.", "A synonym of quick is fast."),
    ("What does a thermometer measure?", "A thermometer measures temperature."),
    ("Which animal is known for its long neck?", "The giraffe is known for its long neck."),
    ("What is half of 50?", "Half of 50 is 25."),
    ("Where does the Sun rise?", "The Sun rises in the east."),
    ("What language is spoken in Brazil?", "Portuguese is spoken in Brazil."),
    ("What do plants need to grow?", "Plants need light, water, air and nutrients to grow."),
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("Complete the sentence: an apple a day", "An apple a day keeps the doctor away."),
    ("What is the freezing point of water?", "Water freezes at 0 degrees Celsius, or 32 degrees Fahrenheit."),
)
"""What a model knows that was taught to chat; asked without the task's instruction."""


def probes(chat: Chat, validation: Sequence[Rendered]) -> dict[str, list[Rendered]]:
    """`general`: questions that have nothing to do with the task; `ending`: where answers should end."""
    found = {"general": [_asked(chat, *pair) for pair in GENERAL], "ending": list(_endings(chat, validation))}
    return {name: examples for name, examples in found.items() if examples}


def sized(validation: Sequence[Rendered]) -> list[Rendered]:
    """Texts of about the lengths of the probes, where no template is at hand."""
    short = Rendered(ids=(0,) * 40, trained=(False,) * 28 + (True,) * 12)
    return [short] * len(GENERAL) + list(validation[:ENDINGS])


def _asked(chat: Chat, question: str, answer: str) -> Rendered:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return chat.render(turns)


def _endings(chat: Chat, validation: Sequence[Rendered]) -> Iterator[Rendered]:
    """Validation examples up to the end of their answer, and then the stop token, which alone is asked for.

    Whether training learns the stop token makes no difference to what is looked at.
    """
    for item in validation[:ENDINGS] if chat.stop_ids else ():
        trained = [place for place, learned in enumerate(item.trained) if learned]
        if not trained:
            continue
        ids = item.ids[: trained[-1] + 1]
        whole = ids if ids[-1] in chat.stop_ids else (*ids, chat.stop_ids[0])
        yield Rendered(whole, (*[False] * (len(whole) - 1), True))
