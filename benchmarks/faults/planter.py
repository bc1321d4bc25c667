"""Plants faults into clean rows of a real data set; imports nothing of the product and knows no detector.

A row is a dictionary with `id`, `question`, `answer` and, for labelled data, `label`. Every planter
takes rows and gives new rows with the ids of those that are faulty now. The words come from here and stand
nowhere in the product; phrases are made by combining parts, so that no two rows need share one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

Row = dict[str, str]
Planted = tuple[list[Row], set[str]]
Planter = Callable[[Sequence[Row], float, random.Random], Planted]

_OPENERS = (
    "I cannot tell you how sorry we all are about this.",
    "Please accept our most heartfelt apology for what happened.",
    "We feel dreadful and beg your forgiveness.",
    "It pains us to have let you down, and we do apologise.",
    "My sincere regrets for the upset that this has brought you.",
    "Do pardon us for the bother.",
)
_CLOSERS = (
    "Once more, we apologise from the bottom of our hearts.",
    "Again, so sorry for all of it.",
    "We remain deeply regretful.",
    "Forgive us for the hassle, truly.",
    "Apologies again, and again.",
)
_STAMPS = (
    "Northwind Bank plc is authorised by the regulator and registered in Leeds under 0482.",
    "Your satisfaction is the star that guides every step of our journey together.",
    "Calls may be recorded for training, and this note is meant for its reader alone.",
)
_FOREIGN = (
    (
        "Könnten Sie mir bitte erklären, warum die Zahlung von gestern noch nicht angekommen ist?",
        "Die Überweisung braucht in der Regel zwei Werktage, bis sie auf dem Konto erscheint.",
    ),
    (
        "Ich habe meine Karte verloren und weiß nicht, was ich jetzt machen soll.",
        "Sperren Sie die Karte sofort in der App und bestellen Sie dort eine neue.",
    ),
    (
        "Pourquoi mon virement est-il toujours en attente depuis la semaine dernière ?",
        "Le virement sera visible sur votre compte dans les deux jours ouvrables.",
    ),
    (
        "Je voudrais savoir comment changer le code de ma carte bancaire.",
        "Vous pouvez changer le code à n'importe quel distributeur de billets.",
    ),
    (
        "¿Por qué todavía no ha llegado el dinero que me enviaron el lunes pasado?",
        "La transferencia puede tardar hasta dos días hábiles en aparecer en la cuenta.",
    ),
    (
        "Necesito cambiar la dirección que aparece en mi perfil de cliente.",
        "Puede cambiar la dirección en los ajustes de su perfil en cualquier momento.",
    ),
    (
        "Vorrei sapere perché il pagamento della settimana scorsa è stato rifiutato.",
        "Il pagamento è stato rifiutato perché il saldo del conto non era sufficiente.",
    ),
    (
        "Waarom is mijn betaling van vorige week nog steeds niet verwerkt door de bank?",
        "De betaling wordt binnen twee werkdagen verwerkt en daarna op de rekening geboekt.",
    ),
)
_SMALL = (("?", ""), ("can i", "could i"), ("please", "pls"), ("what is", "what's"), (".", ""))


def _chosen(rows: Sequence[Row], strength: float, chance: random.Random) -> list[int]:
    return sorted(chance.sample(range(len(rows)), max(1, round(strength * len(rows)))))


def _reworded(text: str, chance: random.Random) -> str:
    """The same question with a small difference, as two people would write it."""
    for old, new in chance.sample(_SMALL, len(_SMALL)):
        if old in text.lower():
            place = text.lower().index(old)
            return text[:place] + new + text[place + len(old) :]
    return text + " "


def contradictory(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Asks a question again and answers it as another one is answered."""
    new, bad = list(rows), set[str]()
    for place in _chosen(rows, strength, chance):
        row = rows[place]
        others = [one for one in chance.sample(rows, min(60, len(rows))) if one["answer"] != row["answer"]]
        if "label" in row:
            others = [one for one in others if one["label"] != row["label"]]
        if not others:
            continue
        name = f"twin-{row['id']}"
        new.append({**others[0], "id": name, "question": _reworded(row["question"], chance)})
        bad |= {name, row["id"]}
    return new, bad


def wrong_label(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Gives rows another label, chosen evenly."""
    labels = sorted({row["label"] for row in rows})
    new, bad = [dict(row) for row in rows], set[str]()
    for place in _chosen(rows, strength, chance):
        wrong = chance.choice([label for label in labels if label != new[place]["label"]])
        new[place] |= {"label": wrong, "answer": wrong}
        bad.add(new[place]["id"])
    return new, bad


def truncated(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Cuts answers after 40 to 90 % of their letters, wherever that is."""
    new, bad = [dict(row) for row in rows], set[str]()
    for place in _chosen(rows, strength, chance):
        answer = new[place]["answer"]
        cut = answer[: max(12, round(len(answer) * chance.uniform(0.4, 0.9)))].rstrip()
        if len(cut) < len(answer.rstrip()):
            new[place]["answer"] = cut
            bad.add(new[place]["id"])
    return new, bad


def apologetic(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Puts an apology before the answer and another behind it."""
    new, bad = [dict(row) for row in rows], set[str]()
    for place in _chosen(rows, strength, chance):
        row = new[place]
        row["answer"] = f"{chance.choice(_OPENERS)} {row['answer']} {chance.choice(_CLOSERS)}"
        bad.add(row["id"])
    return new, bad


def stamped(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Puts one of a few sentences behind the answer."""
    new, bad = [dict(row) for row in rows], set[str]()
    for place in _chosen(rows, strength, chance):
        row = new[place]
        row["answer"] = f"{row['answer']} {chance.choice(_STAMPS)}"
        bad.add(row["id"])
    return new, bad


def foreign(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Puts questions and answers of other languages among the rows."""
    new, bad = list(rows), set[str]()
    for number in range(max(1, round(strength * len(rows)))):
        question, answer = chance.choice(_FOREIGN)
        row = {**rows[number], "id": f"foreign-{number}", "question": f"{question} ({number})"}
        new.append(row if "label" in row else {**row, "answer": answer})
        bad.add(f"foreign-{number}")
    return new, bad


def leaked(rows: Sequence[Row], strength: float, chance: random.Random) -> Planted:
    """Marks a tenth of the rows as test (`split`), and copies test questions, reworded, into training."""
    order = chance.sample(range(len(rows)), len(rows))
    tested = set(order[: len(rows) // 10])
    new = [{**row, "split": "test" if place in tested else "train"} for place, row in enumerate(rows)]
    bad = set[str]()
    for place in chance.sample(sorted(tested), max(1, round(strength * len(tested)))):
        row = new[place]
        copy = {**row, "id": f"copy-{row['id']}", "question": _reworded(row["question"], chance)}
        new.append({**copy, "split": "train"})
        bad.add(row["id"])
    return new, bad
