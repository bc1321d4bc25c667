"""Templates of strangers: forty that mean harm, and what honest ones need."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tunewright.core.errors import ModelError
from tunewright.runtime.chat import templates

TURNS: Any = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi"}]
LOOP = "{% for a in range(99999) %}"
END = "{% endfor %}"
HOSTILE = (
    # out of the sandbox
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ messages.__class__.__base__.__subclasses__()[0]() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.system('true') }}",
    "{{ namespace.__init__.__globals__['__builtins__'] }}",
    "{{ (messages|attr('__class__')).__mro__ }}",
    "{{ ''|attr('__cl' ~ 'ass__')|attr('mro')() }}",
    "{{ raise_exception.__globals__['json'] }}",
    "{{ raise_exception.__code__.co_consts }}",
    "{{ '{0.__class__.__mro__}'.format(messages) }}{{ 1 // 0 }}",
    "{% set x = messages.append({'role': 'user'}) %}",
    "{% set x = messages[0].update({'role': 'system'}) %}",
    "{% set x = messages[0].pop('role') %}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% extends '/etc/passwd' %}",
    # without end
    LOOP + LOOP + "x" + END + END,
    LOOP * 4 + END * 4,
    "{% for a in range(10**9) %}x{% endfor %}",
    LOOP + "{% for b in 'x' * 1000 %}" + END + END,
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{% macro f(n) %}{% for i in range(9) %}{{ f(n + 1) }}{% endfor %}{% endmacro %}{{ f(0) }}",
    "{% for a in messages recursive %}{{ loop(messages) }}{% endfor %}",
    "{% for a in range(1000) if a in range(99999)|list %}{% for b in range(99999) %}" + END + END,
    # without bound
    "{{ 'x' * 10**9 }}",
    "{{ 10**9 * 'x' }}",
    "{{ [0] * 10**9 }}",
    "{{ 10 ** 10 ** 8 }}",
    "{% set ns = namespace(x='x') %}" + LOOP + "{% set ns.x = ns.x ~ ns.x %}" + END,
    "{% set ns = namespace(x='x') %}" + LOOP + "{% set ns.x = [ns.x, ns.x]|join %}" + END,
    "{% set ns = namespace(x='xx') %}" + LOOP + "{% set ns.x = ns.x.replace('x', ns.x) %}" + END,
    "{{ 'x'.ljust(10**9) }}",
    "{{ 'x'.center(10**9) }}",
    "{{ 'x'|center(10**9) }}",
    "{{ 'x'|indent(10**9, true) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ '%1000000000d'|format(1) }}",
    LOOP + "{{ 'x' * 99999 }}" + END,
    # not a template at all
    "{% if %}",
    "{{ undefined.attribute.of.nothing }}",
    "{{ messages[99].content }}",
    "{{ 'a' + 1 }}",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_template_is_refused_in_a_moment(text: str) -> None:
    begun = time.monotonic()
    with pytest.raises(ModelError, match="chat template"):
        templates.compiled(text)({"messages": TURNS})
    assert time.monotonic() - begun < 20, "a bound, not a figure"
    assert TURNS[0] == {"role": "user", "content": "hello"} and len(TURNS) == 2


def test_there_are_forty() -> None:
    assert len(set(HOSTILE)) >= 40


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "{% for m in messages %}{{ loop.index }}{{ m.role }}{{ ',' if not loop.last }}{% endfor %}",
            "1user,2assistant",
        ),
        ("{% for m in messages[1:] %}{{ m['content'] }}{% else %}none{% endfor %}", "hi"),
        (
            "{% for k, v in messages[0]|items %}{{ k ~ '=' ~ v ~ ';' }}{% endfor %}",
            "role=user;content=hello;",
        ),
        ("{% for m in messages if m.role == 'user' %}{{ m.content|trim|upper }}{% endfor %}", "HELLO"),
        (
            "{% set s = namespace(n=0) %}{% for m in messages %}{% set s.n = s.n + 1 %}{% endfor %}{{ s.n }}",
            "2",
        ),
        (
            "{{ {'most': 1000000}|tojson }} {{ 1000000|tojson }} {{ 250000|string }}",
            '{"most": 1000000} 1000000 250000',
        ),
        ("{{ '%s: %d' % ('x', 5) }}{{ ' {:>4}'.format(7) }}{{ '-' * 3 }}", "x: 5    7---"),
        (
            "{% for m in messages %}{% if loop.first %}{% continue %}{% endif %}{{ m.role }}{% endfor %}",
            "assistant",
        ),
        ("{% for m in messages %}{{ loop.length }}{{ loop.previtem is defined }}{% endfor %}", "2False2True"),
        (
            "{{ messages|map(attribute='role')|join('+') }}{{ messages[-1].content.split('h')[1] }}",
            "user+assistanti",
        ),
        ("{{ '%d' % 1000000 }}{{ ' {} {:,}'.format(2500000, 2500000) }}", "1000000 2500000 2,500,000"),
        ("{{ '%s' % 'id: 1234567' }}{{ '{}'.format('id: 1234567') }}", "id: 1234567id: 1234567"),
        ("{{ {'most: ': 1000000}|tojson|indent(2) }}", '{"most: ": 1000000}'),
        ("{{ '%d left'|format(1000000) }}", "1000000 left"),
        ("{%- macro turn(m) -%}<{{ m.role }}>{%- endmacro -%}{{ turn(messages[0]) }}", "<user>"),
    ],
)
def test_an_honest_template_writes_what_it_should(text: str, written: str) -> None:
    assert templates.compiled(text)({"messages": TURNS}) == written


def test_a_template_that_refuses_says_why() -> None:
    with pytest.raises(ModelError, match="roles must alternate"):
        templates.compiled("{{ raise_exception('roles must alternate') }}")({"messages": TURNS})


def test_every_rendering_has_its_own_bound() -> None:
    render = templates.compiled("{% for a in range(60000) %}{% endfor %}done")
    assert [render({}) for _ in range(20)] == ["done"] * 20
