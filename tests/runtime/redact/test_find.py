"""Personal data and secrets are found by form and check digit, and nothing is told that is not there."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.runtime.redact import KINDS, find
from tunewright.runtime.redact import checksums as check
from tunewright.runtime.redact.kinds import Finding, resolved

FORMS = {
    "card": ("my card 4111 1111 1111 1111 is lost", "4111 1111 1111 1111"),
    "iban": ("pay to DE89 3704 0044 0532 0130 00 today", "DE89 3704 0044 0532 0130 00"),
    "email": ("write to Anna.Berg+x@mail.example.co.uk.", "Anna.Berg+x@mail.example.co.uk"),
    "phone": ("call me at +44 20 7946 0958 tomorrow", "+44 20 7946 0958"),
    "national_id": ("SSN 536-22-8726 on file", "536-22-8726"),
    "ip": ("from 192.168.17.4 it fails", "192.168.17.4"),
    "mac": ("device 00:1B:44:11:3A:B7 is mine", "00:1B:44:11:3A:B7"),
    "url": ("see https://example.org/u/anna?x=1, please", "https://example.org/u/anna?x=1"),
    "birth_date": ("born on 2/8/1975 in May", "2/8/1975"),
    "licence": ("my driver's license number is A5631933", "A5631933"),
    "passport": ("passport no. X1234567 expires", "X1234567"),
    "account": ("account number 12345678 please", "12345678"),
    "secret": ("export AWS_KEY=AKIAIOSFODNN7EXAMPLE now", "AKIAIOSFODNN7EXAMPLE"),
    "address": ("I live at 12 Long Street, Bristol BS1 4QT", "12 Long Street"),
    "person": ("My name is Maria Schmidt", "Maria Schmidt"),
    "place": ("She moved here from Czech Republic", "Czech Republic"),
    "organisation": ("I work for Miller Holdings Ltd", "Miller Holdings Ltd"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_every_kind_is_found_in_its_usual_form(kind: str) -> None:
    text, value = FORMS[kind]
    found = find(text)
    assert any(one.kind == kind and value in text[one.start : one.end] for one in found), found


@pytest.mark.parametrize(
    "text",
    [
        *("I am still waiting on my card?", "It cost 1 250 000 dollars", "version 3.11.2 of 2024-05-06"),
        *("order 12 of 15 items", "Why was I charged twice?", "We meet at 10:30 on Monday", "the year 1984"),
    ],
)
def test_plain_sentences_are_left_alone(text: str) -> None:
    assert find(text) == []


PHONES = (
    *("(212) 555-0143", "212-555-0143", "212.555.0143", "2125550143", "1-800-555-0143", "+1 (212) 555-0143"),
    *(
        "020 7946 0958",
        "07700 900123",
        "07700900123",
        "+44 (0)20 7946 0958",
        "(+44) 1632 960123",
        "01632 960 123",
    ),
    *("030 23125 014", "030/23125014", "0049 30 23125014", "+49-30-23125-014", "49 30 23125014"),
    *("01 99 00 12 34", "612 345 678", "98765 43210", "11 98765-4321", "8 495 123-45-67", "06-24312407"),
    *("212-555-0143 x12", "(212) 555-0143 ext. 4567", "020 7946 0958, extension 12", "030 23125 014 Ext: 9"),
    *("20\u201130\u201140\u201150", "20 30 40 50", "22-341392", "+1.212.555.0143", "0039 06 1234 5678"),
)
"""Forms of many countries; numbers of the ranges that are kept for films where there is one."""


@pytest.mark.parametrize("frame", ["I wrote {} on the form.", "{}", "tel.{}", "it is {} (mobile)"])
@pytest.mark.parametrize("number", PHONES)
def test_a_phone_is_found_whole_with_and_without_words_that_say_so(number: str, frame: str) -> None:
    text = frame.format(number)
    covered = {place for one in find(text, ()) for place in range(one.start, one.end)}
    start = text.index(number)
    left = [char for place, char in enumerate(text[start:], start) if char.isdigit() and place not in covered]
    assert left == []


@pytest.mark.parametrize(
    "text",
    [
        *("from 1990-2000", "in 2019/2020", "it has 12 345 678 people", "$ 123 456 789", "1 250 000 rows"),
        *("pi is 3.1415926535", "12345678 steps", "version 10.42.1", "12.5.2021 10:30", "1.4142135623 more"),
    ],
)
def test_years_amounts_and_plain_numbers_are_no_phones(text: str) -> None:
    assert find(text, ()) == []


def test_a_number_alone_is_a_phone_where_the_words_behind_it_say_so() -> None:
    assert [one.kind for one in find("20316412 is my mobile", ())] == ["phone"]
    assert find("20316412 is what it says", ()) == []


IDS = {
    "Spanish DNI": (check.es_dni, "12345678Z"),
    "Italian codice fiscale": (check.it_codice, "RSSMRA85T10A562S"),
    "French NIR": (check.fr_nir, "255081416802538"),
    "German IdNr": (check.de_steuer, "86095742719"),
    "Dutch BSN": (check.nl_bsn, "111222333"),
    "Belgian RRN": (check.be_rrn, "85073003328"),
    "Polish PESEL": (check.pl_pesel, "44051401359"),
    "Brazilian CPF": (check.br_cpf, "52998224725"),
    "British NHS": (check.uk_nhs, "9434765919"),
    "Finnish hetu": (check.fi_hetu, "131052-308T"),
    "Swedish personnummer": (check.se_pnr, "8112189876"),
    "Swiss AHV": (check.ch_ahv, "7569217076985"),
    "Canadian SIN": (check.ca_sin, "130692544"),
    "Australian TFN": (check.au_tfn, "123456782"),
    "Chinese id": (check.cn_id, "11010519491231002X"),
    "Turkish id": (check.tr_kimlik, "10000000146"),
    "South African id": (check.za_id, "8001015009087"),
    "Portuguese NIF": (check.pt_nif, "123456789"),
    "Aadhaar": (check.in_aadhaar, "234123412346"),
}


@pytest.mark.parametrize("name", IDS)
def test_a_published_example_holds_and_with_another_digit_it_does_not(name: str) -> None:
    rule, example = IDS[name]
    assert rule(example)
    last = max(place for place, char in enumerate(example) if char.isdigit())
    others = [
        example[:last] + digit + example[last + 1 :] for digit in "0123456789" if digit != example[last]
    ]
    assert sum(map(rule, others)) <= 1


digits = st.text("0123456789", min_size=2, max_size=18)


@settings(deadline=None)
@given(digits, st.data())
def test_luhn_sees_every_single_wrong_digit(body: str, data: st.DataObject) -> None:
    (whole,) = (body + last for last in "0123456789" if check.luhn(body + last))
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([char for char in "0123456789" if char != whole[place]]))
    assert not check.luhn(whole[:place] + other + whole[place + 1 :])


@settings(deadline=None)
@given(digits, st.data())
def test_verhoeff_sees_every_single_wrong_digit(body: str, data: st.DataObject) -> None:
    (whole,) = (body + last for last in "0123456789" if check.verhoeff(body + last))
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from([char for char in "0123456789" if char != whole[place]]))
    assert not check.verhoeff(whole[:place] + other + whole[place + 1 :])


spans = st.tuples(
    st.sampled_from(KINDS), st.integers(0, 60), st.integers(1, 20), st.sampled_from([0.5, 0.8, 1.0])
)


@settings(deadline=None)
@given(st.lists(spans, max_size=8))
def test_resolved_findings_lie_apart_and_cover_no_more_than_was_found(
    raw: list[tuple[str, int, int, float]],
) -> None:
    given_ones = [Finding(kind, start, start + size, score) for kind, start, size, score in raw]  # type: ignore[arg-type]
    kept = resolved(given_ones)
    assert all(a.end <= b.start for a, b in itertools.pairwise(kept))
    before = {place for one in given_ones for place in range(one.start, one.end)}
    assert {place for one in kept for place in range(one.start, one.end)} <= before


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    for one in find(text):
        assert 0 <= one.start < one.end <= len(text) and 0 < one.score <= 1


@pytest.mark.parametrize(
    "text", ["1 " * 20_000, "a-" * 20_000, "A1" * 20_000, "1." * 20_000, "@a." * 10_000, "St 1 " * 5_000]
)
def test_a_long_odd_text_does_not_stall(text: str) -> None:
    assert len(find(text)) <= len(text)
