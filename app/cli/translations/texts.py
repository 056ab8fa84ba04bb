"""Finds every text that people read: what is marked in code and templates, and what is said without being marked.

Sentences of rules, services and the database are put into the reader's language only where they are shown
(app/languages.py), so they stand in the code as plain English; names of things are made from the names in the code.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from babel.messages.extract import extract_from_file
from flask import Flask
from flask_babel.speaklater import LazyString
from flask_wtf import FlaskForm
from sqlalchemy import CheckConstraint
from wtforms.fields.core import UnboundField

from app.languages import SAID

ROOT = Path(__file__).parents[3]
_KEYWORDS: dict[str, Any] = {"_": None, "gettext": None, "lazy_gettext": None, "N_": None, "ngettext": (1, 2)}
# Whose sentences are plain English: Python is searched for them, SQL for what is raised for people.
_PLAIN = ("app/rules", "app/services", "app/gateways", "app/health", "app/lifecycle.py", "app/problems.py", "reports")
_NOT_SAID = ("app/services/demo", "app/services/drift.py", "app/services/seeds.py", "app/services/audit/sealing.py", "app/services/audit/logs.py",
             "app/services/ledger.py", "app/services/audit/verification.py", "app/gateways/anchors.py", "app/gateways/telegram", "app/health/probes.py", "app/rules/audit.py", "app/rules/realtime", "app/rules/imports/mapping.py")
_FOR_PROGRAMMERS = {"ValueError", "TypeError", "LookupError", "RuntimeError", "KeyError", "text", "getLogger", "compile",
                    "TypeVar", "StrEnum"}
_WORDS = re.compile(r"[A-Za-z“%(][\w’'“”%()/.,:;?!–-]*(\s+[\w’'“”%()/.,:;?!–`-]+)+")
_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_LEAST = 4  # letters of its own, without which a template is no text
_RAISE = re.compile(r"RAISE EXCEPTION\s+'((?:[^']|'')*)'[^;]*ERRCODE = 'VR", re.DOTALL)
_NOTE = re.compile(r"app\.move\([^)]*'([A-Z][^']+\.)'")
# Modules, and enums, that are shown to nobody.
_NO_WORDS = ("app.local", "app.services.demo", "app.api", "app.metrics", "app.services.audit", "app.services.timeline",
             "app.rules.files.MediaType", "app.rules.oauth", "app.rules.telling.Audience", "app.services.telegram.limits")
_NOTED = re.compile(r"""\bnote(?:_\w+)?\([^"'\n]*["']([a-z_]+)["']""")
_LISTED = re.compile(r"'([a-z_]+)'")


@dataclass(frozen=True)
class Text:
    """A text, or singular and plural; where it stands."""

    id: str | tuple[str, ...]
    where: str
    comments: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """What it is looked up by."""
        return self.id if isinstance(self.id, str) else self.id[0]


def collect(app: Flask) -> list[Text]:
    """Every text once, with the first place it stands at."""
    found: dict[str, Text] = {}
    for text in [*marked(), *plain_sentences(), *raised(), *declared(app)]:
        known = found.setdefault(text.first, text)
        if isinstance(known.id, str) and (SAID in text.comments or not isinstance(text.id, str)):
            found[text.first] = text  # which knows more of it
    # What is nothing but a value would fit every sentence.
    return [text for first, text in found.items() if re.search(r"[A-Za-z]", re.sub(r"%\(\w+\)[sd]", "", first))]


# -- marked --------------------------------------------------------------------------------------------------------


def marked() -> Iterator[Text]:
    """What calls of gettext, in templates of `_`, name; and f-strings within N_."""
    for method, pattern in (("python", "app/**/*.py"), ("python", "reports/*.py"), ("python", "jobs/*.py"),
                            ("jinja2", "app/templates/**/*.html")):
        options = {"silent": "false", "newstyle_gettext": "true"} if method == "jinja2" else {}
        for path in sorted(ROOT.glob(pattern)):
            for _, message, comments, _context in extract_from_file(method, path, _KEYWORDS, ("i18n:",), options):
                yield Text(message, _place(path), tuple(comments))
    for path in _files(("app", "jobs", "reports")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) == "N_" and isinstance(node.args[0], ast.JoinedStr):
                yield Text(_template(node.args[0]), _place(path), (SAID,))


def _place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _files(places: Iterable[str]) -> Iterator[Path]:
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            if not _place(file).startswith(_NOT_SAID):
                yield file


# -- said in plain English -----------------------------------------------------------------------------------------


def plain_sentences() -> Iterator[Text]:
    """Strings of rules, services and gateways that are several words; f-strings with placeholders for what they hold."""
    for path in _files(_PLAIN):
        for node in _spoken(ast.parse(path.read_text(encoding="utf-8"))):
            said = _template(node) if isinstance(node, ast.JoinedStr) else str(node.value)
            if _WORDS.fullmatch(said) and not said.startswith("SELECT ") and len(_PLACEHOLDER.sub("", said)) >= _LEAST:
                yield Text(said, _place(path), (SAID,))


def _spoken(node: ast.AST) -> Iterator[ast.JoinedStr | ast.Constant]:
    """Strings below a node, but docstrings, parts of f-strings and what only programmers read."""
    if isinstance(node, ast.JoinedStr):
        yield node
        return
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call) and _name(node.func) in _FOR_PROGRAMMERS:
        return
    for child in ast.iter_child_nodes(node):
        yield from _spoken(child)


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _template(node: ast.JoinedStr) -> str:
    """f"At most {MOST} rooms" as "At most %(most)s rooms"; the names are for those who translate."""
    seen: dict[str, str] = {}

    def placeholder(value: ast.FormattedValue) -> str:
        source = ast.unparse(value.value)
        if source not in seen:
            name = _short(value.value)
            seen[source] = name if name not in seen.values() else f"{name}_{len(seen)}"
        return f"%({seen[source]})s"

    parts = (str(part.value).replace("%", "%%") if isinstance(part, ast.Constant) else placeholder(part) for part in node.values)
    text = "".join(parts)
    return text if seen else text.replace("%%", "%")


def _short(node: ast.AST) -> str:
    """The last name within an expression, but of methods only what they are called on."""
    if isinstance(node, ast.Call):
        inside = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return next(filter(None, map(_short, [*inside, *node.args])), "")
    if isinstance(node, ast.Attribute | ast.Name):
        return _name(node).strip("_").lower()
    if isinstance(node, ast.Subscript | ast.Starred):
        return _short(node.value)
    inside = [_short(child) for child in ast.iter_child_nodes(node)]
    return next(filter(None, inside), "")


def raised() -> Iterator[Text]:
    """What functions of the database refuse with, and the notes they write; their values have no names."""
    for path in sorted((ROOT / "app" / "models" / "sql").glob("*.sql")):
        source = path.read_text(encoding="utf-8")
        for words in [*_RAISE.findall(source), *_NOTE.findall(source)]:
            parts = words.replace("''", "'").split("%")
            yield Text(parts[0] + "".join(f"%(v{n})s{part}" for n, part in enumerate(parts[1:], 1)), _place(path), (SAID,))


# -- names of things -----------------------------------------------------------------------------------------------


def declared(app: Flask) -> Iterator[Text]:
    """Words made from names in the code: members of enums, columns, screens, lifecycles, work, built-in categories."""
    from app.lifecycle import MACHINES
    from app.models.declare import PROTECTED
    from app.rules.maintenance import CATEGORIES
    from app.views import formats
    from app.views.difference import DEEDS, subjects

    for kind in _enums():
        yield from (Text(formats.words(member), f"{kind.__module__}.{kind.__name__}") for member in kind)
    for machine in MACHINES.values():
        yield Text(formats.words(machine.name), "lifecycle")
        yield from (Text(step.label, f"lifecycle {machine.name}") for step in machine)
    for category in CATEGORIES:
        yield Text(category.label, "category")
        yield from (Text(issue.label, "category") for issue in category.issue_types)
    audited = [protection.table for protection in PROTECTED.values() if not protection.unaudited]
    yield from (Text(name, "audit log") for name in subjects().values())
    for table in audited:
        yield from (Text(formats.column_words(column.name), "audit log") for column in table.columns)
        for check in table.constraints:
            if isinstance(check, CheckConstraint) and " IN " in str(check.sqltext):
                yield from (Text(formats.words(word), "audit log") for word in _LISTED.findall(str(check.sqltext)))
    yield from (Text(formats.words(deed), "audit log") for deed in [*DEEDS.values(), *_noted()])
    for kind in _handlers():
        yield from (Text(formats.words(part), "work") for part in kind.split("."))
    yield from _screens(app)
    yield from _forms(app)


def _noted() -> Iterator[str]:
    """Events that services write into the audit log under a name."""
    for path in [*_files(("app/services",)), *sorted((ROOT / "app" / "models" / "sql").glob("*.sql")), ROOT / "app" / "tenancy.py"]:
        yield from _NOTED.findall(path.read_text(encoding="utf-8"))


def _enums() -> list[type[Enum]]:
    """Every enum of the product; the list grows with its modules."""
    import app as package

    for module in walk_packages(package.__path__, "app."):
        if not module.name.startswith(_NO_WORDS[:3]):
            import_module(module.name)

    ours = {(kind.__module__, kind.__name__): kind for kind in _below(Enum) if kind.__module__.startswith("app.") and not f"{kind.__module__}.{kind.__name__}".startswith(_NO_WORDS)}
    return [ours[key] for key in sorted(ours)]


def _handlers() -> list[str]:
    from jobs.registry import HANDLERS

    for path in sorted((ROOT / "jobs").glob("*.py")):
        import_module(f"jobs.{path.stem}")
    return sorted(HANDLERS)


def _screens(app: Flask) -> Iterator[Text]:
    """Titles, labels and hints of the screens, and the entries of the menu."""
    builder = app.extensions["appbuilder"]
    for item in builder.menu.get_list():
        yield from (Text(_source(entry.label), "menu") for entry in [item, *item.childs] if entry.name != "-")
    for view in builder.baseviews:
        where = f"screen {type(view).__name__}"
        for name in ("list_title", "show_title", "add_title", "edit_title", "singular_name", "plural_name"):
            yield Text(_source(getattr(view, name, "")), where)
        shown = {name for kind in ("list", "optional", "show", "add", "edit", "search") for name in getattr(view, f"{kind}_columns", None) or ()}
        labels, hints = getattr(view, "label_columns", {}), getattr(view, "description_columns", {})
        yield from (Text(_source(labels.get(name, "")), where) for name in sorted(shown))
        yield from (Text(_source(hint), where) for hint in hints.values())
        for kind in ("show", "add", "edit"):
            yield from (Text(_source(title), where) for title, _ in getattr(view, f"{kind}_fieldsets", None) or () if title)


def _forms(app: Flask) -> Iterator[Text]:
    """Labels and descriptions of the fields of every form: those that stand in the code, and those made for screens of this app."""
    forms = [form for form in _below(FlaskForm)
             if form.__module__.startswith("app.") and getattr(sys.modules[form.__module__], form.__name__, None) is form]
    for view in app.extensions["appbuilder"].baseviews:
        forms += [form for form in (getattr(view, "add_form", None), getattr(view, "edit_form", None)) if form]
    for form in forms:
        for name in dir(form):
            field = getattr(form, name)
            if isinstance(field, UnboundField):
                said = [*field.args[:1], field.kwargs.get("label"), field.kwargs.get("description")]
                yield from (Text(_source(text), f"form {form.__name__}") for text in said if isinstance(text, str | LazyString))


def _below(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _source(text: Any) -> str:
    """The English of a lazy text."""
    return str(text._args[0]) if isinstance(text, LazyString) else str(text)  # noqa: SLF001 - Flask-Babel's own
