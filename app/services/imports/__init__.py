"""Imports (Y2, I5): uploaded, understood, checked, run and undone. See docs/imports.md for the whole."""

from app.services.imports.checking import Directory, already_here, check, directory, fitted, judge
from app.services.imports.choices import Choices, Offer, first_choices, offer, settled, with_columns
from app.services.imports.results import (
    Progress,
    kept_rows,
    preview,
    previewed_things,
    progress,
    refused_rows,
)
from app.services.imports.runs import (
    BATCH,
    ask_for_check,
    choose_columns,
    choose_values,
    discard,
    discard_forgotten,
    drop_file,
    find,
    finish_step,
    run_batch,
    start,
    stop,
    table_of,
    undo,
    undo_batch,
    upload,
)
from app.services.imports.source import opened

__all__ = [
    "BATCH", "Choices", "Directory", "Offer", "Progress", "already_here", "ask_for_check", "check",
    "choose_columns", "choose_values", "directory", "discard", "discard_forgotten", "drop_file", "find", "finish_step", "first_choices", "fitted", "judge", "kept_rows", "offer", "opened", "preview",
    "previewed_things", "progress", "refused_rows", "run_batch", "settled", "start", "stop", "table_of", "undo", "undo_batch", "upload", "with_columns",
]
