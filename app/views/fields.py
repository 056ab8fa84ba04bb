"""Forms made from models: one field per column, checked as the column is, drawn as plain HTML controls.

Only what a person may type appears here. Keys, tenants and states are not typed: they come from the service.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from flask import current_app
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.i18n import Translations
from markupsafe import Markup
from sqlalchemy import Column
from sqlalchemy import types as sa_types
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    Field,
    FileField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import NumberInput, html_params

from app.languages import sentence
from app.text import CONTROL
from app.views import checks, formats
from app.views.inputs import MoneyField, ZonedDateTimeField
from app.views.interface import ConsoleInterface

_INTEGER_LIMITS = {sa_types.SmallInteger: 2**15 - 1, sa_types.BigInteger: 2**63 - 1, sa_types.Integer: 2**31 - 1}
_TEXT_AREA_FROM = 256
_MISSING = lazy_gettext("Please fill this in.")
# C1 controls, zero-width spaces, and what turns the direction of the text after it: a name with U+202E reads backwards,
# and takes the rest of its line along. The joiners U+200C and U+200D stay: Indian scripts and emoji are written with them.
_UNSEEN = re.compile("[\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_BREAK = re.compile(r"[\t\r\n\x85\u2028\u2029]+")
_SENTENCES = {  # WTForms' own texts, and what people read instead
    "Invalid Choice: could not coerce.": lazy_gettext("Please choose one of the options."),
    "Not a valid choice.": lazy_gettext("Please choose one of the options."),
    "Not a valid integer value.": lazy_gettext("Please give a whole number."),
    # Only whole numbers have a range in our forms.
    "Number must be between %(min)s and %(max)s.": lazy_gettext("Please give a whole number from %(min)s to %(max)s."),
    "Number must be at least %(min)s.": lazy_gettext("Please give a whole number from %(min)s up."),
    "Number must be at most %(max)s.": lazy_gettext("Please give a whole number up to %(max)s."),
    "Not a valid decimal value.": lazy_gettext("Please give a number."),
    "Not a valid date value.": lazy_gettext("Please give a date."),
    "Not a valid datetime value.": lazy_gettext("Please give a date and a time."),
    "This field is required.": _MISSING,
}

_LENGTHS = {
    "Field cannot be longer than %(max)d character.": lazy_gettext("At most %(max)d characters fit here."),
    "Field must be at least %(min)d character long.": lazy_gettext("Please write at least %(min)d characters."),
    "Field must be exactly %(max)d character long.": lazy_gettext("Please write exactly %(max)d characters."),
    "Field must be between %(min)d and %(max)d characters long.": lazy_gettext("Please write %(min)d to %(max)d characters."),
}


def strip(value: Any) -> Any:
    """Blanks around what was typed are never meant."""
    return value.strip() if isinstance(value, str) else value


def printable(_form: Any, field: Field) -> None:
    """Refuse characters that no keyboard types and PostgreSQL cannot store."""
    if isinstance(field.data, str) and CONTROL.search(field.data):
        raise ValidationError(gettext("This text contains characters that cannot be stored."))


def one_line(value: Any) -> Any:
    """Without what nobody sees: breaks become blanks, characters that hide or turn the text go."""
    return _UNSEEN.sub("", _BREAK.sub(" ", value)) if isinstance(value, str) else value


class _Sentences(Translations):  # type: ignore[misc]
    """WTForms asks here for the text of each of its own refusals."""

    def gettext(self, string: str) -> str:
        own = _SENTENCES.get(string)
        return str(own) if own is not None else str(super().gettext(string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Lengths are all that has a plural; the number stays a placeholder, which WTForms fills."""
        return str(_LENGTHS.get(singular) or super().ngettext(singular, plural, n))


class ChoiceField(SelectField):
    """A member of an enum, by its human name."""

    def __init__(self, enum: type[Enum], *args: Any, required: bool = False, **kwargs: Any) -> None:
        def choices() -> list[SelectChoice]:
            blank = [] if required else [SelectChoice("", "—")]
            return [*blank, *(SelectChoice(str(member.value), formats.human(member)) for member in enum)]

        def member(value: Any) -> Enum | None:
            if value in (None, ""):
                return None
            try:
                return enum(value)
            except ValueError as error:
                raise ValueError(gettext("Choose one from the list.")) from error

        super().__init__(*args, choices=choices, coerce=member, validate_choice=False, **kwargs)


class Combobox:
    """A select that combobox.js turns into a box with search: options come from the server twenty at a time."""

    def __call__(self, field: RelationField, **kwargs: Any) -> Markup:
        kwargs = {"id": field.id, "name": field.name, "class_": "form-control", "data-combobox": field.options_url(),
                  "data-depends": " ".join(field.depends) or None, **field.new_row(), **kwargs}
        if "required" not in kwargs and field.flags.required:
            kwargs["required"] = True
        attributes = html_params(**{name: value for name, value in kwargs.items() if value is not None})
        chosen = Markup('<option value="{}" selected>{}</option>').format(field.raw_value(), field.chosen_label()) \
            if field.raw_value() else ""
        return Markup('<select {}><option value=""></option>{}</select>').format(Markup(attributes), chosen)  # noqa: S704 - html_params escapes


class RelationField(Field):
    """A reference to another row. Its data is the value of our column (`vendor_id`); RLS decides what may be chosen."""

    widget = Combobox()

    def __init__(self, *args: Any, interface: ConsoleInterface, relation: str, options_url: Callable[..., str],
                 depends: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.interface, self.relation, self._options, self.depends = interface, relation, options_url, depends
        self.narrowed: dict[str, Any] = {}  # what the options depend on and the form does not ask for
        ours, self.theirs = interface.target(relation)
        self.column = ours.key
        self._row: Any = None

    def process_data(self, value: Any) -> None:
        """From an object: the related row itself."""
        self._row = value
        self.data = getattr(value, self.theirs.key) if value is not None else None

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """From a form: the text of the other row's key."""
        self._row, self.data = None, None
        if valuelist and valuelist[0]:
            try:
                self.data = self.theirs.type.python_type(valuelist[0])
            except (ValueError, TypeError) as error:
                raise ValueError(gettext("Choose one from the list.")) from error

    def pre_validate(self, form: Any) -> None:
        """The row must exist for the person who chose it."""
        if self.data is not None and self._find() is None:
            raise ValidationError(gettext("Choose one from the list."))

    def options_url(self) -> str:
        """Where its options are found."""
        return self._options(**self.narrowed)

    def new_row(self) -> dict[str, Any]:
        """Where the row can be made that is not among the options, for those who may."""
        screens = current_app.extensions.get("screens", {}).values()
        for screen in screens:
            model = getattr(getattr(screen, "datamodel", None), "obj", None)
            if model is self.theirs.class_ and screen.allowed("add"):
                return {"data-new": screen.url("add", **self.narrowed), "data-new-text": gettext(screen.add_title)}
        return {}

    def row(self) -> Any:
        """The chosen row, if the person may see it."""
        return self._find()

    def choose(self, text: str) -> None:
        """As if the row with this key had been chosen; nothing if there is none."""
        try:
            self.process_formdata([text])
        except ValueError:
            self.data = None
        if self._find() is None:
            self.data = None

    def _find(self) -> Any:
        if self._row is None and self.data is not None:
            other = ConsoleInterface(self.theirs.class_)
            statement = other.rows(hostel=False).where(self.theirs == self.data)
            self._row = other.session.scalars(statement).first()
        return self._row

    def raw_value(self) -> str:
        """The text that goes back into the form."""
        return str(self.raw_data[0]) if self.raw_data else str(self.data or "")

    def chosen_label(self) -> str:
        """Words for the chosen row; something neutral when it cannot be seen from here."""
        return sentence(self._find() or gettext("(no longer available)"))


class ConsoleForm(FlaskForm):
    """A form of the console; `values()` is what services get."""

    _defaulted: frozenset[str] = frozenset()  # columns whose default the database has: left empty, they are left out

    def values(self) -> dict[str, Any]:
        """Typed data by the model's column name: a relation `vendor` gives `vendor_id`."""
        return {field.column if isinstance(field, RelationField) else name: field.data
                for name, field in self._fields.items()
                if name != "csrf_token" and (field.data is not None or name not in self._defaulted)}

    class Meta(FlaskForm.Meta):
        """What holds for every field of every form."""

        def get_translations(self, _form: Any) -> Translations:
            """Our sentences instead of WTForms' texts."""
            return _Sentences()

        def render_field(self, field: Field, render_kw: dict[str, Any]) -> Any:
            """With what the browser can check by itself."""
            return super().render_field(field, {**checks.of(field), **render_kw})

        def bind_field(self, form: Any, unbound_field: Any, options: Any) -> Field:
            """Text of one line is cleaned before anything looks at it; a password is taken as it is."""
            field = super().bind_field(form, unbound_field, options)
            if isinstance(field, StringField) and not isinstance(field, TextAreaField | PasswordField):
                field.filters = (one_line, *field.filters)
            return field

    def fingerprints(self) -> dict[str, str]:
        """A short mark of each field's value, to tell later which of them somebody changed."""
        return {name: hashlib.sha256(_plain(field.data).encode()).hexdigest()[:12] for name, field in self._fields.items()
                if name != "csrf_token" and not isinstance(field, PasswordField | FileField)}

    def take(self, name: str, other: ConsoleForm) -> None:
        """The value that another form of this kind holds."""
        mine, theirs = self._fields[name], other._fields[name]
        mine.data, mine.raw_data = theirs.data, None
        if isinstance(mine, RelationField):
            mine.choose(str(theirs.data or ""))
            mine.raw_data = None

    def validate(self, extra_validators: Any = None) -> bool:
        """As WTForms does, but what is no number is told once: the range says more than “not a number”."""
        valid = bool(super().validate(extra_validators))
        for field in self:
            said = field.errors[-1:] if isinstance(field, IntegerField) else field.errors
            field.errors = list(dict.fromkeys(said))
        return valid

    def attach(self, message: str, field: str | None) -> bool:
        """Put a refusal beside its field; False if the form has no such field."""
        for name, own in self._fields.items():
            if field and field in (name, getattr(own, "column", name)):
                own.errors = [*own.errors, sentence(message)]
                return True
        return False


def _plain(value: Any) -> str:
    """A value as a form can hold it: times to the minute, numbers whatever their zeros, nothing for no text."""
    if isinstance(value, datetime):
        return value.replace(second=0, microsecond=0).isoformat()
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, bool):
        return str(value)
    return str(value.value if isinstance(value, Enum) else "" if value is None else value)


def posted(field: Field) -> str:
    """A field's value as its control would send it."""
    if isinstance(field, RelationField):
        return field.raw_value()
    if isinstance(field, BooleanField):
        return "y" if field.data else ""
    return field._value() if hasattr(field, "_value") else _plain(field.data)  # noqa: SLF001 - as WTForms draws it


def form_for(  # noqa: PLR0913 - one call, all by name
    interface: ConsoleInterface, columns: Sequence[str], *, labels: Mapping[str, str], hints: Mapping[str, str],
    validators: Mapping[str, Sequence[Any]], extra: Mapping[str, Any], options_url: Callable[..., str],
    depends: Mapping[str, Sequence[str]], enums: Mapping[str, type[Enum]],
) -> type[ConsoleForm]:
    """A form class for these columns of a model, in this order; `extra` fields win over generated ones."""
    known = interface.mapper.columns
    fields: dict[str, Any] = {"_defaulted": frozenset(
        name for name in columns if name in known and not known[name].nullable and known[name].server_default is not None)}
    for name in columns:
        if name in extra:
            fields[name] = extra[name]
            continue
        common = {"label": lazy_gettext(str(labels.get(name) or formats.column_words(name))), "description": hints.get(name, "")}
        checks = list(validators.get(name, ()))
        if interface.is_relation(name):
            fields[name] = _relation(interface, name, common, checks, options_url, depends.get(name, ()))
        else:
            fields[name] = _column(known[name], name, common, checks, enums.get(name))
    return type("ConsoleForm", (ConsoleForm,), fields)


def _relation(interface: ConsoleInterface, name: str, common: dict[str, Any], checks: list[Any],
              options_url: Callable[..., str], depends: Sequence[str]) -> RelationField:
    if interface.mapper.relationships[name].uselist:
        raise TypeError(f"{interface.obj.__name__}.{name}: forms have no field for a list of rows")
    ours, _ = interface.target(name)
    nullable = ours.expression.nullable
    return RelationField(interface=interface, relation=name, depends=depends, options_url=lambda **narrowed: options_url(name, **narrowed),
                         validators=[Optional() if nullable else InputRequired(_MISSING), *checks], **common)


def _column(column: Column[Any], name: str, common: dict[str, Any], checks: list[Any],
            enum: type[Enum] | None) -> Field:
    kind = column.type
    required = not column.nullable and column.server_default is None and not isinstance(kind, sa_types.Boolean)
    # Blanks are not a name, but 0 is a number: text asks for what is left after stripping, the rest for any input.
    asked = DataRequired if isinstance(kind, sa_types.String) else InputRequired
    checks = [asked(_MISSING) if required else Optional(), *checks]
    if column.default is not None and column.default.is_scalar:
        common["default"] = column.default.arg
    if enum is not None:
        return ChoiceField(enum, required=not column.nullable, validators=checks, **common)
    if isinstance(kind, sa_types.String):
        length = [Length(max=kind.length)] if kind.length else []
        field = TextAreaField if isinstance(kind, sa_types.Text) or (kind.length or 0) >= _TEXT_AREA_FROM else StringField
        empty_is_null = [lambda value: value or None] if column.nullable else []
        return field(validators=[*checks, *length, printable], filters=[strip, *empty_is_null], **common)
    if name.endswith("_paise"):
        return MoneyField(validators=checks, **common)
    if isinstance(kind, sa_types.Integer):
        limit = next(limit for integer, limit in _INTEGER_LIMITS.items() if isinstance(kind, integer))
        return IntegerField(validators=[*checks, NumberRange(-limit - 1, limit)], widget=NumberInput(), **common)
    for sql, field in ((sa_types.Numeric, DecimalField), (sa_types.Boolean, BooleanField),
                       (sa_types.DateTime, ZonedDateTimeField), (sa_types.Date, DateField)):
        if isinstance(kind, sql):
            return field(validators=checks if field is not BooleanField else [], **common)
    raise TypeError(f"{column}: no form field for {kind!r}; leave it out or give one in add_form_extra_fields")


def options(other: ConsoleInterface, label: str, text: str, narrowed: Mapping[str, str], limit: int = 20) -> list[Any]:
    """Rows for a combobox: their label contains the text; `narrowed` are equalities (`hostel_id`: …)."""
    statement = other.rows(hostel=False)
    attribute = getattr(other.obj, label)
    if text:
        statement = statement.where(attribute.icontains(text, autoescape=True))
    for column, value in narrowed.items():
        own = getattr(other.obj, column)
        try:
            statement = statement.where(own == own.type.python_type(value))
        except (ValueError, TypeError):
            return []
    return list(other.session.scalars(statement.order_by(attribute).limit(limit)))

