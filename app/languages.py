"""The languages of the console: a folder with a catalog each, and how text that was said in English gets into them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask
from flask_babel import Domain, force_locale, format_date, get_locale
from flask_babel import gettext as translate

FOLDER = Path(__file__).parent / "translations"
SOURCE = "en"  # what the code is written in: needs no catalog
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")
_LEAST = 4  # letters that a template must have of its own, or it would fit any text


def catalog_path(code: str) -> Path:
    """Where the catalog of a language lies."""
    return FOLDER / code / "LC_MESSAGES" / "messages.po"


@cache
def languages() -> dict[str, str]:
    """Code → the language's own name, English first; a folder with a catalog is all that a new one takes."""
    found = sorted(path.parent.parent.name for path in FOLDER.glob("*/LC_MESSAGES/messages.po"))
    return {code: Locale.parse(code).get_display_name(code).capitalize() for code in [SOURCE, *found]}


@cache
def catalog(code: str) -> Translations:
    """The catalog of a language, read from its text: there is no compiled file that could be missing or old."""
    path, compiled = catalog_path(code), io.BytesIO()
    if not path.exists():
        return Translations()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    found = Translations(compiled)
    found._catalog.pop("", None)  # noqa: SLF001 - the header, which an empty text would be translated into
    return found


class Catalogs(Domain):
    """Where Flask-Babel finds the catalog of the page's language."""

    def get_translations(self) -> Translations:
        """Empty for English, so that text stays as it is."""
        return catalog(str(get_locale() or SOURCE))


@cache
def _templates(code: str) -> list[tuple[re.Pattern[str], str]]:
    """Texts with placeholders as patterns of what was made from them, the most particular first."""
    known = {text for text in catalog(code)._catalog if isinstance(text, str) and _PLACEHOLDER.search(text)}  # noqa: SLF001
    own = {text: _PLACEHOLDER.sub("", text) for text in known}
    return [(_pattern(text), text) for text in sorted(known, key=lambda text: -len(own[text])) if len(own[text]) >= _LEAST]


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
    said = str(text)
    code = str(get_locale() or SOURCE)
    if code == SOURCE or not said:
        return said
    if (found := _known(said)) is not None:
        return found
    for pattern, template in _templates(code):
        if (match := pattern.fullmatch(said)) is not None:
            return translate(template) % {name: _value(value) for name, value in match.groupdict().items()}
    for mark in ("; ", ": ", ", "):  # several things said in a row, or of something
        if mark in said:
            return mark.join(map(_value, said.split(mark)))
    return said


def _known(text: str) -> str | None:
    found = catalog(str(get_locale() or SOURCE))._catalog.get(text)  # noqa: SLF001
    return found if isinstance(found, str) else None


def _value(text: str) -> str:
    """A value within a sentence: words of ours, or a part that is said by itself, are translated; the rest is data."""
    for own in (text, text[:1].upper() + text[1:], text[:1].lower() + text[1:]):
        if (found := _known(own)) is not None:
            return found
    if (found := sentence(text)) != text:
        return found
    if re.fullmatch(r"\d\d? [A-Z][a-z]+ \d{4}", text):  # a day in a sentence that was said in English
        return format_date(datetime.strptime(text, "%d %B %Y").replace(tzinfo=UTC), "d MMMM y")
    return re.sub(r"“([^”]*)”", lambda quoted: f"“{_value(quoted[1])}”", text)


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
    app.jinja_env.filters["sentence"] = sentence
