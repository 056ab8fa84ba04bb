"""`python -m bench lists …` runs measurements by name; without a name it lists them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run the named measurements, or say which there are."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    names = sys.argv[1:]
    if unknown := set(names) - set(known):
        sys.exit(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(known)}.")
    if not names:
        print("\n".join(known))
    for name in names:
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
