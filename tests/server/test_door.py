"""The door of the server: keys, rates, quotas, bounds, room, and the figures it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.conftest import connected, echoing, served
from tunewright.core.errors import DeployError
from tunewright.deploy.admission import Admission, NoKey, TooLarge, TooMany
from tunewright.deploy.keys import Keychain, hashed
from tunewright.deploy.spec import ServeSpec
from tunewright.runtime.workspace import Workspace
from tunewright.server.__main__ import main
from tunewright.server.app import create_app

QUESTION = [{"role": "user", "content": "where is my card"}]
BODY = {"model": "desk", "messages": QUESTION}
PUBLIC = {"/health", "/ready"}


@pytest.fixture
def keychain(tmp_path: Path) -> Keychain:
    return Keychain(Workspace(tmp_path))


@pytest.fixture
def guarded(keychain: Keychain) -> Iterator[str]:
    keychain.create("first")
    answering, _ = echoing()
    with served(answering, Admission(file=keychain.path)) as url:
        yield url


def ask(url: str, key: str = "none", **more: object) -> openai.types.chat.ChatCompletion:
    with connected(url) as client:
        return client.with_options(api_key=key).chat.completions.create(**BODY, **more)  # type: ignore[call-overload,no-any-return]


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_every_route_but_health_asks_for_a_key_once_there_is_one(guarded: str) -> None:
    root = guarded.removesuffix("/v1")
    routes = [
        (method, route.path.replace("{name:path}", "desk"))
        for route in create_app(echoing()[0]).routes
        for method in sorted(getattr(route, "methods", None) or ())
    ]
    assert len(routes) >= 6
    for method, path in routes:
        for headers in ({}, bearer("tw-wrong"), {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}):
            reply = httpx.request(method, root + path, headers=headers, json=BODY)
            assert reply.status_code == (200 if path in PUBLIC else 401), (method, path)


def test_every_route_refuses_a_key_that_has_another_scope(guarded: str, keychain: Keychain) -> None:
    root = guarded.removesuffix("/v1")
    needed = {"/metrics": "metrics", "/v1/models": "models", "/v1/models/desk": "models"}
    for path, scope in needed.items():
        other = keychain.create(f"not-{path.strip('/').replace('/', '-')}", scopes=("answer",)).secret
        assert httpx.get(root + path, headers=bearer(other)).status_code == 403
        right = keychain.create(f"for-{path.strip('/').replace('/', '-')}", scopes=(scope,)).secret
        assert httpx.get(root + path, headers=bearer(right)).status_code == 200
        reply = httpx.post(f"{root}/v1/chat/completions", headers=bearer(right), json=BODY)
        assert reply.status_code == 403


def test_the_client_raises_its_own_errors_for_a_wrong_and_for_a_scopeless_key(
    guarded: str, keychain: Keychain
) -> None:
    with pytest.raises(openai.AuthenticationError, match="not known here"):
        ask(guarded, "tw-wrong")
    with pytest.raises(openai.PermissionDeniedError, match="no scope `answer`"):
        ask(guarded, keychain.create("looker", scopes=("models",)).secret)
    assert ask(guarded, keychain.create("asker").secret).choices[0].message.content


def test_a_key_that_is_made_or_revoked_while_the_server_runs_counts_at_once(
    guarded: str, keychain: Keychain
) -> None:
    secret = keychain.create("late").secret
    assert ask(guarded, secret)
    keychain.revoke("late")
    with pytest.raises(openai.AuthenticationError):
        ask(guarded, secret)


def test_nobody_is_let_in_when_the_last_key_was_revoked_or_its_file_vanished(keychain: Keychain) -> None:
    door = Admission(file=keychain.path)
    assert door.open
    secret = keychain.create("only").secret
    assert door.admit(secret, "answer")
    keychain.revoke("only")
    for _ in range(2):
        with pytest.raises(NoKey):
            door.admit(secret, "answer")
        with pytest.raises(NoKey):
            door.admit(None, "answer")
        keychain.path.unlink(missing_ok=True)


def test_a_key_lies_on_disk_as_its_hash_alone(keychain: Keychain) -> None:
    made = keychain.create("desk", scopes=("answer", "metrics"), requests_per_minute=3)
    assert made.secret not in keychain.path.read_text()
    assert keychain.list() == (made.key,)
    assert made.key.sha256 == hashed(made.secret)


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("../x", {}, "name of a key"),
        ("", {}, "name of a key"),
        ("a", {"scopes": ("all",)}, "unknown scopes: all"),
        ("a", {"scopes": ()}, "opens nothing"),
        ("a", {"requests_per_minute": 0}, "lets nothing in"),
        ("a", {"tokens_per_day": -1}, "lets nothing in"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(
    keychain: Keychain, name: str, more: dict[str, object], words: str
) -> None:
    with pytest.raises(DeployError, match=words):
        keychain.create(name, **more)  # type: ignore[arg-type]
    assert not keychain.path.exists()


def test_two_keys_never_share_a_name_and_only_a_known_one_is_revoked(keychain: Keychain) -> None:
    keychain.create("a")
    with pytest.raises(DeployError, match="there is a key of this name"):
        keychain.create("a")
    with pytest.raises(DeployError, match="no key of this name"):
        keychain.revoke("b")


def test_a_rate_lets_a_minutes_requests_in_and_then_one_after_the_other(keychain: Keychain) -> None:
    now = [1000.0]
    secret = keychain.create("a", requests_per_minute=3).secret
    door = Admission(file=keychain.path, clock=lambda: now[0])
    for _ in range(3):
        door.admit(secret, "answer")
    with pytest.raises(TooMany) as caught:
        door.admit(secret, "answer")
    assert caught.value.seconds == pytest.approx(20.0)
    now[0] += caught.value.seconds + 1e-6
    door.admit(secret, "answer")
    with pytest.raises(TooMany):
        door.admit(secret, "answer")
    now[0] -= 500.0  # a clock that is set back gives nothing and breaks nothing
    with pytest.raises(TooMany):
        door.admit(secret, "answer")


def test_a_quota_ends_with_the_day(keychain: Keychain) -> None:
    now = [86400.0 * 100 + 3600]
    made = keychain.create("a", tokens_per_day=10)
    door = Admission(file=keychain.path, clock=lambda: now[0])
    key = door.admit(made.secret, "answer")
    with door.answering(key) as spent:
        spent.tokens = 10
    with pytest.raises(TooMany) as caught:
        door.admit(made.secret, "answer")
    assert caught.value.seconds == 86400 - 3600
    now[0] += caught.value.seconds
    assert door.admit(made.secret, "answer")


def test_tokens_of_streams_and_of_whole_answers_count_towards_the_quota(keychain: Keychain) -> None:
    answering, _ = echoing()
    for stream in (False, True):
        secret = keychain.create(f"stream-{stream}", tokens_per_day=5).secret
        with served(answering, Admission(file=keychain.path)) as url, connected(url) as client:
            mine = client.with_options(api_key=secret).chat.completions
            said = mine.create(**BODY, stream=stream)  # type: ignore[call-overload]
            for _ in said if stream else ():
                pass
            with pytest.raises(openai.RateLimitError, match="tokens of today") as caught:
                mine.create(**BODY)  # type: ignore[call-overload]
            assert int(caught.value.response.headers["retry-after"]) > 1


def test_who_comes_when_all_room_is_taken_is_told_when_to_come_again() -> None:
    answering, watched = echoing(delay=0.05)
    with served(answering, Admission(ServeSpec(answers=2))) as url:

        def one(_: int) -> int:
            return httpx.post(f"{url}/chat/completions", json=BODY, timeout=60).status_code

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(one, range(8)))
        assert set(found) == {200, 429}
        assert len(watched.asked) == found.count(200)
        assert one(0) == 200


def test_room_is_given_back_when_answers_fail_or_clients_go() -> None:
    door = Admission(ServeSpec(answers=1))
    with pytest.raises(RuntimeError), door.answering(None):
        raise RuntimeError
    assert door.under_way == 0
    with pytest.raises(TooLarge, match="2 answers are asked for"), door.answering(None, answers=2):
        pass
    assert door.under_way == 0


@pytest.mark.parametrize(
    ("limits", "more", "status", "words"),
    [
        (ServeSpec(body_bytes=1024), {"user": "x" * 2000}, 413, "larger than 1024 bytes"),
        (ServeSpec(prompt_characters=10), {}, 400, "10 are allowed"),
        (ServeSpec(answer_tokens=8), {"max_tokens": 9}, 400, "8 are allowed"),
        (ServeSpec(answer_tokens=8), {"max_completion_tokens": 9}, 400, "8 are allowed"),
        (ServeSpec(answers=2), {"n": 3}, 400, "2 are allowed at once"),
    ],
)
def test_a_request_beyond_the_limits_is_refused_by_name(
    limits: ServeSpec, more: dict[str, object], status: int, words: str
) -> None:
    answering, watched = echoing()
    with served(answering, Admission(limits)) as url:
        reply = httpx.post(f"{url}/chat/completions", json=BODY | more)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert words in error["message"]
    assert error["param"] in (None, "messages", *more)
    assert not watched.asked


def test_a_body_without_a_length_is_read_no_further_than_the_limit() -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(2000):
            sent.append(1)
            yield b" " * 1000

    with served(echoing()[0], Admission(ServeSpec(body_bytes=2048))) as url:
        headers = {"Content-Type": "application/json"}
        try:
            reply = httpx.post(f"{url}/chat/completions", content=endless(), headers=headers)
            assert reply.status_code == 413
        except httpx.TransportError:  # the server closes what it does not read
            assert len(sent) < 2000


def test_the_figures_count_requests_tokens_and_time_and_make_no_series_of_strangers_words() -> None:
    with served(echoing()[0]) as url:
        root = url.removesuffix("/v1")
        assert ask(url)
        for path in ("/a", "/b", "/wp-admin.php"):
            httpx.get(root + path)
        text = httpx.get(f"{root}/metrics").text
    found = {
        (sample.name, sample.labels.get("path") or sample.labels.get("kind"), sample.labels.get("status")): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["tunewright_requests_total", "/v1/chat/completions", "200"] == 1
    assert found["tunewright_requests_total", "other", "404"] == 3
    assert found["tunewright_request_seconds_count", "/v1/chat/completions", None] == 1
    assert found["tunewright_tokens_total", "answer", None] > 0
    assert found["tunewright_answers_under_way", None, None] == 0


def test_a_named_file_of_keys_that_is_missing_opens_no_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, packed = tmp_path / "keys.json", tmp_path / "serving.json"
    asked = ["server", "--packed", str(packed), "--keys", str(missing), "--port", "0"]
    monkeypatch.setattr("sys.argv", asked)
    assert main() == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["where"] == str(missing)
