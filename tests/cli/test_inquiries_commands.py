"""The commands of inquiries do what the schedule and the screen do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from app.rules.inquiries import Lead
from app.services import inquiries
from app.tenancy import tenant_scope
from app.views.inquiries.strangers import ring


def run(app: Any, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=["inquiries", *words])
    assert result.exit_code == 0, result.output
    return str(result.output)


def test_reminders_and_the_funnel_by_hand(app: Any, world: Any, tmp_path: Any) -> None:
    owner = world.owner
    with tenant_scope(owner.org_id, owner.user_id) as session:
        key = inquiries.add(session, ring(), owner.org_id, None, uuid4(), Lead("Meera Joshi", "+919876543210"))
        inquiries.edit(session, key, {"next_action": "Call back", "next_action_at": datetime.now(UTC) - timedelta(minutes=1)})
    assert run(app, "remind") == "1 reminders in 1 organizations.\n"
    assert run(app, "remind") == "0 reminders in 0 organizations.\n"
    today = datetime.now(UTC).date()
    period = ("--organization", "asha", "--first", str(today - timedelta(days=1)), "--last", str(today + timedelta(days=1)))
    assert "1 inquiries" in run(app, "report", *period, str(tmp_path / "a.csv"))
    assert "I-0001" in (tmp_path / "a.csv").read_text()
    assert "1 inquiries" in run(app, "report", *period, str(tmp_path / "a.pdf"))
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
