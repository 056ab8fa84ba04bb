"""Writes the declared schema into the first migration; of use only until the first release has been installed."""

from __future__ import annotations

from pathlib import Path

from app.models.schema import schema_statements

TARGET = Path(__file__).parent / "versions" / "0001_the_first_domains.sql"


def main() -> None:
    """Freeze what the models declare now."""
    TARGET.write_text("\n--;;\n".join(statement.strip() for statement in schema_statements()) + "\n", encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
