"""Photos for the demo, drawn: a wall, the thing that is broken, and a red ring around where."""

from __future__ import annotations

import io
from random import Random

from PIL import Image, ImageDraw

SIZE = (800, 600)  # pixels
_WALLS = ("#d9d4c7", "#cfd8d3", "#e3dccb", "#c9d3de")
_THINGS = ("#8d6e4f", "#6f7f8c", "#f4f4f0", "#5a6b5d")


def photo(random: Random) -> bytes:
    """A PNG of some 10 kB."""
    image = Image.new("RGB", SIZE, random.choice(_WALLS))
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    floor = height - random.randint(90, 160)
    draw.rectangle((0, floor, width, height), fill="#9b8b78")
    for x in range(0, width, 80):
        draw.line((x, floor, x - 60, height), fill="#877965", width=2)
    left, top = random.randint(150, 320), random.randint(110, 210)
    right, bottom = left + random.randint(200, 330), top + random.randint(140, 240)
    draw.rounded_rectangle((left, top, right, bottom), 18, fill=random.choice(_THINGS), outline="#3c3c3c", width=4)
    spot_x, spot_y = random.randint(left + 40, right - 40), random.randint(top + 40, bottom - 30)
    crack = [(spot_x, spot_y)]
    for _ in range(7):
        crack.append((crack[-1][0] + random.randint(-14, 18), crack[-1][1] + random.randint(6, 18)))
    draw.line(crack, fill="#2b2b2b", width=5)
    draw.ellipse((spot_x - 70, spot_y - 50, spot_x + 80, spot_y + 110), outline="#d12a1e", width=9)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()
