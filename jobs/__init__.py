"""Background work: handlers of outbox rows, the loop that drains the outbox, and the processes that run both."""
