"""How merchants are known to the demo's stand-ins for the gateways: keys that follow from a label, and guard nothing."""

from __future__ import annotations

import hashlib

from app.gateways.payments import GatewayKeys

_KEY_IDS = {"phonepe": "TWIN_", "razorpay": "rzp_test_twin_", "stripe": "pk_test_twin_"}
_SECRETS = {"phonepe": "", "razorpay": "", "stripe": "sk_test_twin_"}


def twin_keys(gateway: str, label: str) -> GatewayKeys:
    """The keys of the merchant `label` (small letters and digits) at a stand-in; real gateways refuse them."""
    secret = _derived(gateway, label, "secret")
    return GatewayKeys(
        key_id=_KEY_IDS[gateway] + label,
        secret=f"{_SECRETS[gateway]}{label}_{secret}" if gateway == "stripe" else secret,
        webhook_secret=f"whsec_{_derived(gateway, label, 'webhook')}" if gateway == "stripe" else _derived(gateway, label, "webhook"),
        extra={"client_version": "1", "webhook_user": f"twin_{label}"[:20]} if gateway == "phonepe" else {})


def twin_webhook_path(gateway: str, label: str) -> str:
    """The last part of the address to which the stand-in sends this merchant's webhooks."""
    return _derived(gateway, label, "path")


def _derived(gateway: str, label: str, what: str) -> str:
    # PhonePe wants at most 20 letters and digits for the password of webhooks; the shape does for all.
    return hashlib.sha256(f"twin:{gateway}:{label}:{what}".encode()).hexdigest()[:20]
