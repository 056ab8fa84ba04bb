"""The languages of the console: a folder with a catalog each, and how text that was said in English gets into them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask
from flask_babel import Domain, force_locale, get_locale
from markupsafe import Markup

FOLDER = Path(__file__).parent / "translations"
SOURCE = "en"  # what the code is written in: needs no catalog
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
SAID = "said"  # the comment of a text that is put into another language only where it is shown


def catalog_path(code: str) -> Path:
    """Where the catalog of a language lies."""
    return FOLDER / code / "LC_MESSAGES" / "messages.po"


@cache
def languages() -> dict[str, str]:
    """Code → the language's own name, English first; a folder with a catalog is all that a new one takes."""
    found = sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))
    return {code: Locale.parse(code).get_display_name(code).capitalize() for code in [SOURCE, *found]}


class Catalog(Translations):  # type: ignore[misc]
    """A catalog, and which of its texts are `said`: in English, by what knows no reader."""

    said: frozenset[str] = frozenset()


@cache
def catalog(code: str) -> Catalog:
    """The catalog of a language, read from its text: there is no compiled file that could be missing or old."""
    path, compiled = catalog_path(code), io.BytesIO()
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        messages = read_po(file, locale=code)
    write_mo(compiled, messages)
    compiled.seek(0)
    found = Catalog(compiled)
    found._catalog.pop("", None)  # noqa: SLF001 - the header, which an empty text would be translated into
    found.said = frozenset(message.id for message in messages if SAID in message.auto_comments)
    return found


class Catalogs(Domain):
    """Where Flask-Babel finds the catalog of the page's language."""

    def get_translations(self) -> Translations:
        """Empty for English, so that text stays as it is."""
        return catalog(str(get_locale() or SOURCE))


@cache
def _templates(code: str) -> list[tuple[re.Pattern[str], str]]:
    """Texts with placeholders as patterns of what was made from them, the most particular first."""
    own = {text: len(_PLACEHOLDER.sub("", text)) for text in catalog(code).said if _PLACEHOLDER.search(text)}
    return [(_pattern(text), text) for text in sorted(own, key=lambda text: -own[text])]


def _pattern(template: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = _PLACEHOLDER.split(template.replace("%%", "%"))
    for place in range(1, len(parts), 2):
        name = parts[place]
        parts[place] = f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
        seen.add(name)
    parts[::2] = map(re.escape, parts[::2])
    return re.compile("".join(parts), re.DOTALL)


def sentence(text: object) -> str:
    """What rules, services or the database said in English, in the reader's language, with the values it holds.

    They know nothing of readers, and what they say may have been stored. So the catalog is turned round: the template
    whose words the text has gives the values, and its translation takes them. What no catalog knows stays as it is.
    """
    code = str(get_locale() or SOURCE)
    if isinstance(text, Markup):  # drawn already
        return text
    return str(text) if code == SOURCE else _said(code, str(text))


def noted(text: str) -> str:
    """A note that a person or the product wrote: what people write is never translated, even if it is a word of ours."""
    said = catalog(str(get_locale() or SOURCE)).said
    return sentence(text) if said.intersection((text, *text.split("; "))) else text


@lru_cache(maxsize=4096)
def _said(code: str, text: str) -> str:
    """Kept, because lists say the same of many rows."""
    if (found := _known(code, text)) is not None:
        return found
    for pattern, template in _templates(code):
        if (match := pattern.fullmatch(text)) is not None:
            return str(catalog(code).ugettext(template)) % {
                name: _value(code, value) for name, value in match.groupdict().items()}
    for mark in ("; ", ": ", ", "):  # several things said in a row, or of something
        if mark in text:
            return mark.join(_value(code, part) for part in text.split(mark))
    return text


def _known(code: str, text: str) -> str | None:
    found = catalog(code)._catalog.get(text)  # noqa: SLF001
    return found if isinstance(found, str) else None


def _value(code: str, text: str) -> str:
    """A value within a sentence: words of ours, or a part that is said by itself, are translated; the rest is data."""
    for own in (text, text[:1].upper() + text[1:], text[:1].lower() + text[1:]):
        if (found := _known(code, own)) is not None:
            return found
    if (found := _said(code, text)) != text:
        return found
    if re.fullmatch(r"\d\d? [A-Z][a-z]+ \d{4}", text):  # a day in a sentence that was said in English
        return format_date(datetime.strptime(text, "%d %B %Y").replace(tzinfo=UTC), "d MMMM y", locale=code)
    return re.sub(r"“([^”]*)”", lambda quoted: f"“{_value(code, quoted[1])}”", text)


def best(wanted: Iterable[str]) -> str | None:
    """The first of these codes that there is a catalog for; `hi-IN` is `hi`."""
    for code in wanted:
        for candidate in (code.replace("-", "_"), re.split(r"[-_]", code, maxsplit=1)[0]):
            if candidate in languages():
                return candidate
    return None


def in_language(code: str | None) -> AbstractContextManager[None]:
    """Within it, texts are in the language of somebody who is written to; English if they have none that there is."""
    return force_locale(best([code or SOURCE]) or SOURCE)  # type: ignore[no-any-return]


def init_app(app: Flask) -> None:
    """Give Flask-Babel our catalogs."""
    app.extensions["babel"].instance.domain_instance = Catalogs()
    app.jinja_env.filters.update(sentence=sentence, noted=noted)
