"""Live updates: one process that reads the change stream of the database and tells whoever may see the rows.

`python -m app.api.realtime` starts it. docs/realtime.md says how it is used, docs/adr/0009-realtime.md why it is so.
"""
