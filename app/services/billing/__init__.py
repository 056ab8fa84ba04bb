"""Charges, invoices and what pays them (W10)."""
