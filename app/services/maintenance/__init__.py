"""Maintenance: requests and what becomes of them, categories, the clock's sweep, figures."""

from app.services.maintenance.requests import (
    EDITABLE,
    Assignee,
    NewRequest,
    attach,
    claim,
    comment,
    detach,
    edit,
    is_attached,
    move,
    reassign,
    remove,
    remove_comment,
    restore,
    submit,
)

__all__ = ["EDITABLE", "Assignee", "NewRequest", "attach", "claim", "comment", "detach", "edit", "is_attached", "move", "reassign",
           "remove", "remove_comment", "restore", "submit"]
