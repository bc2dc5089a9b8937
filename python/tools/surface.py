"""What AWS documents of its Python interface, and how each of it stands here.

    python python/tools/surface.py            prints the table
    python python/tools/surface.py --write    puts it into docs/scripts.md

The names and their states: `awsglue._surface`.
"""

from __future__ import annotations

import pathlib
import sys
from typing import List

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "python"))

from awsglue._surface import DOCUMENTED, entries  # noqa: E402,F401

BEGIN, END = "<!-- made by python/tools/surface.py -->", "<!-- end -->"


def table() -> str:
    """The table of the guide: supported names of a place in one row, all others in rows of their own."""
    lines = [BEGIN, "", "| where | call | state | note |", "|---|---|---|---|"]
    places: List[str] = []
    found = list(entries())
    for entry in found:
        if entry.place not in places:
            places.append(entry.place)
    for place in places:
        here = [entry for entry in found if entry.place == place]
        plain = [f"`{entry.name}`" for entry in here if entry.status == "supported" and not entry.note]
        if plain:
            lines.append(f"| `{place}` | {', '.join(plain)} | supported | |")
        for entry in here:
            if entry.status != "supported" or entry.note:
                lines.append(f"| `{place}` | `{entry.name}` | {entry.status} | {entry.note} |")
    return "\n".join(lines + ["", END])


def main() -> None:
    if "--write" not in sys.argv:
        print(table())
        return
    guide = ROOT / "docs/scripts.md"
    text = guide.read_text()
    start, end = text.index(BEGIN), text.index(END) + len(END)
    guide.write_text(text[:start] + table() + text[end:])


if __name__ == "__main__":
    main()
