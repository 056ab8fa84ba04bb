"""The commands of payments and reconciliation do what jobs and screens do, and tell by their exit code whether all is well."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.gateways.payments import GatewayRefused, GatewayUnavailable, LineKind, SettlementLine
from tests.payments import (
    Told,
    account,
    answering,
    begun,
    captured,
    intent,
    paid,
    path_of,
    settled_in,
    signed,
    work,
)
from tests.wallet import balance, one

TODAY = datetime.now(UTC).date()


class Stating(Told):
    """A gateway with a file of settlements."""

    def parse_settlement_csv(self, content):
        if not content.startswith(b"amount"):
            raise GatewayRefused("row", "row 1 has no amount")
        return [SettlementLine(f"f{n}", LineKind.PAYMENT, self.status.payment_id, int(amount), 200, 36, "UTR1", TODAY)
                for n, amount in enumerate(content.split()[1:])]

    def settlements(self, _day):
        self._answer()
        return []


@pytest.fixture
def taken(app, world, superuser, monkeypatch):
    settled_in(superuser, world.resident)
    told = answering(monkeypatch, Stating())
    return account(world.owner, is_default=True), told


def run(app, *words):
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result.exit_code, result.output


def test_payments_are_listed_asked_about_and_replayed(app, world, browser, taken, monkeypatch):
    door, told = taken
    found = intent(begun(world.resident, door, hand=True))
    told.away = 1
    assert run(app, "payments", "ask", "--org", "asha") == (1, f"{found.reference}  no answer\n1 asked, 1 without an answer.\n")
    told.status = paid(found)
    code, said = run(app, "payments", "ask", "--org", "asha", found.reference)
    assert (code, "credited" in said, balance(None, world.resident.user_id)) == (0, True, 500_00)
    code, said = run(app, "payments", "list", "--org", "asha", "--status", "paid")
    assert (code, found.reference in said, world.resident.name in said) == (0, True, False)
    monkeypatch.undo()  # the real adapter reads the webhook
    body = captured(found, told.status.payment_id)
    assert browser(None).http.post(path_of(door), data=body, headers=signed(body)).status_code == 200
    work()
    _, said = run(app, "payments", "list", "--org", "asha", "--webhooks")
    assert run(app, "payments", "replay", "--org", "asha", said.split()[0]) == (0, "known\n")
    assert run(app, "payments", "replay", "--org", "banyan", said.split()[0])[0] == 1
    assert "no payment nothing" in run(app, "payments", "ask", "--org", "asha", "nothing")[1]


def test_a_file_is_read_kept_and_what_does_not_agree_is_listed(app, world, superuser, taken, tmp_path):
    door, told = taken
    found = intent(begun(world.resident, door))
    told.status = paid(found)
    run(app, "payments", "ask", "--org", "asha")
    file, wrong = tmp_path / "recon.csv", tmp_path / "wrong.csv"
    file.write_bytes(b"amount\n49900\n")
    wrong.write_bytes(b"?")
    bring = ("reconciliation", "import", "--org", "asha", "--account", "Razorpay")
    assert "row 1 has no amount" in run(app, *bring, str(wrong))[1]
    assert run(app, *bring, "--dry-run", str(file)) == (0, "1 lines, 496.64 INR paid to the bank.\n")
    assert one(superuser, "SELECT count(*) FROM settlement_statements") == 0
    assert "1 lines, 1 new breaks." in run(app, *bring, str(file))[1]
    assert "1 lines, 0 new breaks." in run(app, *bring, str(file))[1]
    code, said = run(app, "reconciliation", "breaks", "--org", "asha")
    assert (code, "amount_differs" in said, "1 open." in said) == (1, True, True)
    assert run(app, "reconciliation", "run", "--org", "asha") == (0, "asha: 0 statements, 0 new breaks.\n")
    told.away = 1
    assert run(app, "reconciliation", "run", "--org", "asha")[0] == 1
    assert run(app, "reconciliation", "breaks", "--org", "banyan")[0] == 0
    told.settlements = lambda _day: (_ for _ in ()).throw(GatewayUnavailable("timeout"))
    assert "gave no statement" in run(app, "reconciliation", "run")[1]
