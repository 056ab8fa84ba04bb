"""The only writers: load, lock, ask the rules, write, add an outbox row."""
