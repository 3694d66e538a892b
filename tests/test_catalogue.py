"""Every text that a person may read is in every catalogue, translated, with the same fields. To mend: scripts/update-catalogue."""

import ast
import string
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.language import LANGUAGES, LOCALE

ROOT = Path(__file__).parent.parent
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/lifeboat.po"))
MEND = "Run scripts/update-catalogue, then translate what it lists."


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = SourceFileLoader("update_catalogue", str(ROOT / "scripts" / "update-catalogue"))
    spec = spec_from_loader(loader.name, loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def in_code(script: ModuleType) -> frozenset[str]:
    return frozenset(str(message.id) for message in script.messages_in_code() if message.id)


@pytest.fixture(params=CATALOGUES, ids=[file.parent.parent.name for file in CATALOGUES])
def catalogue(request: pytest.FixtureRequest) -> Catalog:
    return read_po(BytesIO(request.param.read_bytes()))


def _fields(text: str) -> set[tuple[str, str | None]]:
    """The named fields with how they are formatted."""
    return {(name, form) for _, name, form, _ in string.Formatter().parse(text) if name is not None}


def test_every_language_that_we_claim_has_a_catalogue() -> None:
    assert {file.parent.parent.name for file in CATALOGUES} == set(LANGUAGES) - {"en"}


def test_no_message_is_missing_in_a_catalogue(catalogue: Catalog, in_code: frozenset[str]) -> None:
    assert sorted(in_code - {str(entry.id) for entry in catalogue}) == [], MEND


def test_no_catalogue_keeps_what_nobody_says_any_more(catalogue: Catalog, in_code: frozenset[str]) -> None:
    assert sorted({str(entry.id) for entry in catalogue if entry.id} - in_code) == [], MEND
    assert not catalogue.obsolete, MEND


def test_no_translation_is_empty_or_only_guessed(catalogue: Catalog) -> None:
    assert [entry.id for entry in catalogue if entry.id and (not str(entry.string).strip() or entry.fuzzy)] == [], MEND


def test_no_translation_loses_or_invents_a_field(catalogue: Catalog) -> None:
    different = {
        str(entry.id): str(entry.string)
        for entry in catalogue
        if entry.id and entry.string and _fields(str(entry.id)) != _fields(str(entry.string))
    }
    assert different == {}


def test_every_field_has_a_name_that_can_be_filled_in(in_code: frozenset[str]) -> None:
    assert [text for text in sorted(in_code) for name, _ in _fields(text) if not name.isidentifier()] == []


@pytest.mark.parametrize("package", ["bot", "escalation"])
def test_no_message_is_built_where_the_extractor_cannot_see_it(package: str) -> None:
    """`N_(f"…")`, `N_("a" + b)` and `phrase("…")` would be English for everybody, and no other test could tell."""
    hidden = []
    for file in sorted((ROOT / package).rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or not call.args:
                continue
            plain = isinstance(call.args[0], ast.Constant)
            if (call.func.id == "N_" and not plain) or (call.func.id == "phrase" and plain):
                hidden.append(f"{file.relative_to(ROOT)}:{call.lineno}")
            if call.func.id == "_" and isinstance(call.args[0], ast.JoinedStr | ast.BinOp):
                hidden.append(f"{file.relative_to(ROOT)}:{call.lineno}")
    assert hidden == []


def test_a_refresh_keeps_every_translation_and_guesses_none(script: ModuleType) -> None:
    for file in CATALOGUES:
        before = file.read_text(encoding="utf-8")
        kept = {str(entry.id): entry.string for entry in read_po(BytesIO(before.encode()))}
        after, _ = script.refreshed(before, script.messages_in_code())
        for entry in read_po(BytesIO(after.encode())):
            if entry.id:
                assert entry.string == kept.get(str(entry.id), "")
