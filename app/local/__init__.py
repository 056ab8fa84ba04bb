"""Everything local: the embedded PostgreSQL and Redis, and the processes of `python3 run.py`."""
