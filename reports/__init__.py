"""Reports: query → dataclass → template → PDF or CSV; the first two steps need no PDF."""
