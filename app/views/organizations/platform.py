"""All organizations, for those who run the installation: how big they are, and what they may use."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from uuid import UUID

from flask import flash, make_response, redirect, request
from flask_babel import gettext, lazy_gettext
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from app.permissions import Action, Portal, Resource
from app.rules.errors import DomainError, Invalid
from app.rules.organizations import PLAN_LIMITS, Limit, Plan, SubscriptionStatus, describe_limit
from app.services import organizations
from app.tenancy import give_reason
from app.views.base import ConsoleView, expose, has_access, service_call
from app.views.fields import ChoiceField, ConsoleForm, printable, strip

_LABELS = {
    Limit.USERS: lazy_gettext("People who work there"), Limit.HOSTELS: lazy_gettext("Hostels"),
    Limit.RESIDENTS: lazy_gettext("Residents"), Limit.WORKFLOWS: lazy_gettext("Workflows"), Limit.BOTS: lazy_gettext("Bots"),
    Limit.STORAGE_BYTES: lazy_gettext("Storage, such as 20 GB"), Limit.MESSAGES_PER_MONTH: lazy_gettext("Messages a month"),
}
_UNLIMITED = "unlimited"
_UNITS = {"gb": 1024**3, "mb": 1024**2, "": 1}
_DIGITS = 15
_given = InputRequired(lazy_gettext("Choose one from the list."))


class PlanForm(ConsoleForm):
    """A plan, and what was agreed beside it; a field for each limit is added below."""

    plan = ChoiceField(Plan, lazy_gettext("Plan"), required=True, validators=[_given])
    status = ChoiceField(SubscriptionStatus, lazy_gettext("Subscription"), required=True, validators=[_given])
    reason = TextAreaField(lazy_gettext("Reason"), filters=[strip], validators=[
        DataRequired(lazy_gettext("Please say why: the audit log keeps it.")), Length(max=500), printable],
        description=lazy_gettext("Kept in the audit log with the change."))

    def agreed(self) -> dict[Limit, int | None]:
        """The limits that are not the plan's own; Invalid for what is no number."""
        return {limit: _amount(limit, self[limit.value].data) for limit in Limit if self[limit.value].data}


for _limit in Limit:
    setattr(PlanForm, _limit.value, StringField(_LABELS[_limit], filters=[strip], validators=[Length(max=_DIGITS), printable]))


def _amount(limit: Limit, text: str) -> int | None:
    plain = text.replace(",", "").strip().lower()
    if plain == _UNLIMITED:
        return None
    found = re.fullmatch(r"([0-9]+) ?([gm]b|)", plain)
    if not found or (found[2] and limit is not Limit.STORAGE_BYTES):
        raise Invalid(gettext("Write a number, “unlimited”, or nothing for the plan's own limit."), field=limit.value)
    return int(found[1]) * _UNITS[found[2]]


def _as_typed(limit: Limit, most: int | None) -> str:
    if most is None:
        return _UNLIMITED
    if limit is Limit.STORAGE_BYTES and most and most % _UNITS["gb"] == 0:
        return f"{most // _UNITS['gb']} GB"
    return str(most)


class PlatformView(ConsoleView):
    """The organizations of this installation."""

    route_base = "/platform/organizations"
    resource = Resource.ORGANIZATION
    portals = frozenset({Portal.PLATFORM})
    default_view = "index"
    method_actions: ClassVar[dict[str, Action]] = {"index": Action.READ, "plan": Action.UPDATE}

    @expose("/")
    @has_access
    def index(self) -> Any:
        """All of them by name."""
        return self.page("organizations/platform.html", title=gettext("Organizations"),
                         organizations=organizations.list_organizations(self.session()))

    @expose("/<uuid:org_id>/plan", methods=["GET", "POST"])
    @has_access
    def plan(self, org_id: UUID) -> Any:
        """What one of them may use."""
        tenant = organizations.find_organization(self.session(), org_id)
        form = PlanForm()
        if request.method == "GET":
            form.plan.data, form.status.data = tenant.plan, tenant.status
            for limit, most in tenant.agreed.items():
                form[limit.value].data = _as_typed(limit, most)
            return self._plan_page(tenant, form)
        if not form.validate():
            return self._plan_page(tenant, form, Invalid(gettext("Please look at the marked fields.")))
        with service_call() as call:
            give_reason(call.session, form.reason.data)
            organizations.set_plan(call.session, org_id, form.plan.data, form.status.data, form.agreed())
        if call.error is not None:
            return self._plan_page(tenant, form, call.error)
        flash(gettext("The plan of %(name)s was changed.", name=tenant.name), "success")
        return redirect(self.url("index"), code=303)

    def _plan_page(self, tenant: organizations.Tenant, form: PlanForm, error: DomainError | None = None) -> Any:
        if error is not None and form.attach(error.message, getattr(error, "field", None)):
            error = Invalid(gettext("Please look at the marked fields."))
        plans = {plan: [describe_limit(limit, most) for limit, most in limits.items()] for plan, limits in PLAN_LIMITS.items()}
        page = self.page("organizations/plan.html", title=tenant.name, tenant=tenant, form=form, error=error, plans=plans,
                         limits=list(Limit))
        return make_response(page, error.status if error else 200)
