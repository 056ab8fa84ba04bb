"""What people are told when the proof of the ledger fails (W6, W9)."""

from __future__ import annotations

FREEZE_REASON = "The nightly check of the ledger found something wrong with this wallet."
ALARM_TITLE = "The ledger was changed, or does not add up."
ALARM_BODY = "The wallets that are touched are frozen. Ask whoever runs this installation what the command “flask ledger verify” says."
