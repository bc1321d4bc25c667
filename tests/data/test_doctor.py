"""The doctor names what is wrong, where, what it will do and what to do about it."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.types import Dataset, Example, Message
from tunewright.data import Finding, examine, read_diagnosis
from tunewright.data.doctor import leaks
from tunewright.data.doctor.contradictions import same_question
from tunewright.data.doctor.finding import told_apart
from tunewright.runtime.near import normalised

DATASETS = Path(__file__).parents[3] / "shared" / "datasets"

CLEAN = (
    ("How long does a transfer to {} take?", "A transfer to {} takes two working days."),
    ("Can I use my card in {}?", "Yes, your card works in {} wherever you see the sign."),
    ("Who do I call about a payment from {}?", "The desk for payments from {} will help you."),
    ("Is there a fee for cash in {}?", "There is a small fee for cash in {}."),
)
PLACES = (
    *("France", "Peru", "Kenya", "Japan", "Norway", "Chile", "Ghana", "Spain", "Nepal", "Egypt", "Malta"),
    *("India", "Fiji", "Iran", "Italy", "Cuba", "Qatar", "Sudan", "Syria", "Tonga", "Yemen", "Benin"),
)


def example(number: int, question: str, answer: str, label: str | None = None) -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=str(number), messages=turns, label=label, source=f"a.csv line {number}")


@pytest.fixture
def clean() -> list[Example]:
    pairs = [(ask.format(place), say.format(place)) for place in PLACES for ask, say in CLEAN]
    return [example(number, *pair) for number, pair in enumerate(pairs)]


def finding(examples: list[Example], kind: str) -> Finding:
    (found,) = [one for one in examine(examples) if one.kind == kind]
    assert found.effect and found.fix and found.rows and found.places
    return found


def test_sound_examples_give_no_finding(clean: list[Example]) -> None:
    assert [one.kind for one in examine(clean)] == []


def test_the_same_question_with_two_answers_is_a_contradiction_and_names_both(clean: list[Example]) -> None:
    odd = example(900, "how long does a transfer to france take", "Transfers are free of charge.")
    found = finding([*clean, odd], "contradictory answers")
    assert set(found.places) == {"a.csv line 0", "a.csv line 900"}
    assert "see a.csv line 900" in found.rows[0].note


def test_an_answer_in_other_words_is_no_contradiction(clean: list[Example]) -> None:
    same = example(900, "how long does a transfer to france take", "It takes two working days to France.")
    assert "contradictory answers" not in {one.kind for one in examine([*clean, same])}


def test_a_frame_that_all_questions_share_tells_nothing_apart() -> None:
    texts = [
        f"Below stands a question of a customer. {ask} Answer it in one line." for ask in ("A b?", "C d?")
    ]
    assert told_apart(texts) == ["A b?", "C d?"]
    assert told_apart(["short one", "short two"]) == ["short one", "short two"]


@pytest.mark.parametrize(
    "cut", ["A transfer to Fr", "The desk for payments from the", "It takes (at most two"]
)
def test_an_answer_that_breaks_off_is_named(clean: list[Example], cut: str) -> None:
    long = f"{cut.split()[0]} and as we all know very well {cut}"
    found = finding([*clean, example(900, "What now?", long)], "truncated answers")
    assert found.places == ("a.csv line 900",)


def test_headings_and_items_of_a_list_need_no_full_stop(clean: list[Example]) -> None:
    listing = example(
        900, "Which papers?", "You need these papers:\n- passport of the holder of the account\n- id"
    )
    assert "truncated answers" not in {one.kind for one in examine([*clean, listing])}


def test_apologies_upon_apologies_are_named_and_one_is_not(clean: list[Example]) -> None:
    once = example(
        900, "Why?", "Sorry about that. The desk is closed on Sundays. It opens on Monday at nine."
    )
    twice = example(901, "Why?!", "We regret this. The desk is closed on Sundays. Forgive us, please.")
    assert finding([*clean, once, twice], "over-apology").places == ("a.csv line 901",)


def test_a_sentence_that_many_answers_end_with_is_boilerplate(clean: list[Example]) -> None:
    stamp = " This message is meant for its reader alone."
    stamped = [
        one.model_copy(
            update={"messages": (one.messages[0], Message(role="assistant", content=f"{one.answer}{stamp}"))}
        )
        for one in clean[:8]
    ]
    found = finding([*stamped, *clean[8:]], "boilerplate")
    assert found.examples == 8 and stamp.strip() in found.rows[0].note


def test_another_language_is_named_and_short_texts_are_left_alone(clean: list[Example]) -> None:
    german = example(900, "Warum ist meine Überweisung noch nicht angekommen?", "Sie dauert zwei Werktage.")
    short = example(901, "Warum?", "Darum.")
    found = finding([*clean, german, short], "another language")
    assert found.places == ("a.csv line 900",) and "`de` where most is `en`" in found.rows[0].note


def test_an_answer_that_speaks_of_an_attachment_that_is_not_there_is_named(clean: list[Example]) -> None:
    points = example(900, "How do I pay?", "Please find attached the form, and sign it.")
    asked = example(901, "What is in the form below?", "The form below holds your name.")
    assert finding([*clean, points, asked], "unanswerable references").places == ("a.csv line 900",)


def test_answers_of_another_form_are_named(clean: list[Example]) -> None:
    odd = example(900, "What is the fee?", '{"fee": "none"}')
    assert "has JSON" in finding([*clean, odd], "inconsistent format").rows[0].note


def test_questions_from_one_template_are_low_diversity(clean: list[Example]) -> None:
    same = [
        example(900 + n, f"My card was lost near the {p}", f"Block it in {p}.")
        for n, p in enumerate(PLACES * 3)
    ]
    assert "my card was" in finding([*clean, *same], "low diversity").what


def test_one_class_with_many_times_the_examples_of_another_is_imbalance() -> None:
    many = [example(n, f"question number {n} of many", "often", "often") for n in range(60)]
    few = [example(100 + n, f"rare thing {n}", "rarely", "rarely") for n in range(3)]
    assert finding([*many, *few], "imbalance").examples == 3


def test_a_test_question_that_stands_in_training_nearly_the_same_is_a_leak(clean: list[Example]) -> None:
    tested = example(900, "how long does a transfer to France take", "Two days.")
    (found,) = leaks({"train": clean, "validation": [], "test": [tested]}, 0.7)
    assert found.places == ("a.csv line 900",) and "a.csv line 0" in found.rows[0].note


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Can I pay in Peru?", "could I pay in Peru", True),
        ("What is the fee in Peru?", "what's the fee in Peru, please", True),
        ("How do I top up my account?", "How do I topup my account", True),
        ("I don't recognise this payment", "I don't recognize this payment", True),
        ("What is the cube of 4?", "What is the cube of 5?", False),
        ("Is it legal to cover a song?", "Is it illegal to cover a song?", False),
        ("Transfers from Peru to Chile", "Transfers to Peru from Chile by wire", False),
    ],
)
def test_questions_are_the_same_but_for_courtesy_and_spelling(one: str, other: str, same: bool) -> None:
    assert same_question(normalised(one), normalised(other)) is same


def test_two_good_answers_to_an_open_request_are_no_contradiction_and_a_stray_one_is(
    clean: list[Example],
) -> None:
    asked = "Generate a sentence using the word 'curious'."
    good = [
        example(900, asked, "The cat was curious about the new toy."),
        example(901, asked, "A curious child asks many questions."),
    ]
    assert "contradictory answers" not in {one.kind for one in examine([*clean, *good])}
    stray = example(902, asked, "Helium boils at a low temperature.")
    assert "a.csv line 902" in finding([*clean, *good, stray], "contradictory answers").places


def test_answers_that_add_other_words_to_the_same_question_contradict(clean: list[Example]) -> None:
    paris = example(900, "What is the capital of Peru?", "The capital of Peru is Lima.")
    other = example(901, "what's the capital of Peru", "The capital of Peru is Cusco.")
    assert finding([*clean, paris, other], "contradictory answers").examples == 2


def test_several_answers_to_most_questions_are_meant_and_wanted_in_one_split() -> None:
    said = ("{} lies by the river.", "By the river you find {}.", "There is no better place than {}.")
    many = [
        example(number * 3 + place, f"name[{town}], area[river]", answer.format(town))
        for number, town in enumerate(PLACES)
        for place, answer in enumerate(said)
    ]
    found = finding(many, "several answers")
    assert "data.columns.group" in found.fix
    assert "contradictory answers" not in {one.kind for one in examine(many)}


def test_answers_that_never_end_with_a_sign_are_not_taken_for_cut() -> None:
    bare = [
        example(number, f"Which desk is for {place}?", f"the desk {place}")
        for number, place in enumerate(PLACES)
    ]
    assert "truncated answers" not in {one.kind for one in examine(bare)}


def test_a_template_inside_the_text_is_named(clean: list[Example]) -> None:
    wrapped = [
        example(
            900 + number, f"Below is a task.\n\n### Instruction:\n{ask}\n\n### Response:", "Yes, it does."
        )
        for number, ask in enumerate(("Is it open?", "Is it far?"))
    ]
    found = finding([*clean, *wrapped], "prompt template")
    assert found.examples == 2 and "### Instruction:" in found.what
    spoken = example(910, "Doctor: How are you?\nPatient: I am well.", "The patient is well.")
    assert "prompt template" not in {one.kind for one in examine([*clean, spoken])}


def test_a_question_marked_without_an_answer_behind_it_is_no_template_however_long_it_goes_on(
    clean: list[Example],
) -> None:
    """Sixty thousand lines that begin, and none that ends: time in the square would not come back."""
    asked = example(920, "Q: what?\n" * 60_000, "It is what is asked for.")
    assert "prompt template" not in {one.kind for one in examine([*clean, asked])}
    answered = example(921, "Q: what?\nIt is that.\nA:\n", "Yes.")
    assert "`Q:`" in finding([*clean, answered], "prompt template").what


def test_pairs_that_prefer_nothing_are_named(clean: list[Example]) -> None:
    equal, good, turned = (
        example(900 + number, f"What now {number // 2}?", chosen).model_copy(update={"rejected": rejected})
        for number, (chosen, rejected) in enumerate(
            [("Yes, gladly.", "yes gladly"), ("Of course.", "No."), ("No.", "Of course.")]
        )
    )
    alone = finding([*clean, equal, good], "empty preference")
    assert alone.places == ("a.csv line 900",)
    first, second = (
        one.model_copy(update={"messages": (good.messages[0], one.messages[1])}) for one in (good, turned)
    )
    assert set(finding([*clean, first, second], "empty preference").places) == {
        "a.csv line 901",
        "a.csv line 902",
    }


def test_a_translation_that_was_asked_for_is_no_foreign_answer(clean: list[Example]) -> None:
    asked = example(
        900,
        "Translate 'Where is the nearest restaurant?' into French.",
        "Où est le restaurant le plus proche ?",
    )
    assert "another language" not in {one.kind for one in examine([*clean, asked])}


def test_a_question_about_a_picture_that_a_text_cannot_hold_is_named(clean: list[Example]) -> None:
    odd = example(
        900, "What is wrong in the attached screenshot?", "Your card has expired, so order another."
    )
    assert finding([*clean, odd], "unanswerable references").places == ("a.csv line 900",)


def test_a_list_that_was_asked_for_is_no_other_form(clean: list[Example]) -> None:
    listing = "1. Peru.\n2. Chile.\n3. Cuba."
    asked = example(900, "List three countries.", listing)
    odd = example(901, "May I pay with it?", listing)
    assert finding([*clean, asked, odd], "inconsistent format").places == ("a.csv line 901",)


def test_labels_that_nothing_in_the_text_tells_are_not_doubted() -> None:
    chance = random.Random(0)
    coins = [
        example(number, f"toss {place} {number}", side := chance.choice(["heads", "tails"]), side)
        for number, place in enumerate(PLACES * 10)
    ]
    assert "suspected label errors" not in {one.kind for one in examine(coins)}


@pytest.mark.skipif(not DATASETS.exists(), reason="the data sets are not at ../shared")
def test_labels_that_were_changed_are_suspected_on_real_questions() -> None:
    with (DATASETS / "banking77" / "train.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = sorted({row["category"] for row in rows})[:6]
    chosen = [row for row in rows if row["category"] in names][:600]
    chance = random.Random(0)
    wrong = set(chance.sample(range(len(chosen)), 30))
    examples = []
    for place, row in enumerate(chosen):
        others = [name for name in names if name != row["category"]]
        label = chance.choice(others) if place in wrong else row["category"]
        examples.append(example(place, row["text"], label, label))
    found = finding(examples, "suspected label errors")
    planted = {f"a.csv line {place}" for place in wrong}
    assert len(planted & set(found.places)) >= 0.85 * len(planted)
    assert len(found.places) <= 2 * len(planted)


def test_a_run_keeps_the_findings_as_json_and_as_a_page_of_its_own(
    project: Path,
    questions: list[tuple[str, str]],
    csv_of: Callable[[list[tuple[str, str]]], str],
    run_in: Callable[..., Dataset],
) -> None:
    (question, label), *rest = questions
    other = next(name for _, name in rest if name != label)
    (project / "tickets.csv").write_text(csv_of([(question, label), (f"{question}!", other), *rest]))
    dataset = run_in(sources="tickets.csv")
    found = read_diagnosis(dataset.path).findings
    assert "contradictory answers" in {one.kind for one in found}
    assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
    page = (dataset.path / "diagnosis.html").read_text(encoding="utf-8")
    assert "contradictory answers" in page and "tickets.csv line 2" in page
    assert "http" not in page and "<script" not in page
    assert 'href="#f0"' in page and 'id="f0"' in page  # each finding is listed above its rows


@pytest.mark.parametrize(
    "answer",
    ["[" * 20_000, "a" + "\n" * 40_000 + "b", "<a" * 40_000],
    ids=["brackets", "empty lines", "tags"],
)
def test_an_answer_without_sense_does_not_hold_the_doctor_up(clean: list[Example], answer: str) -> None:
    found = examine([*clean, example(900, "What is in the file?", answer)])
    assert "prompt template" not in {one.kind for one in found}
