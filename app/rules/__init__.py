"""Pure decisions and arithmetic: no Flask, no SQLAlchemy, no clock."""
