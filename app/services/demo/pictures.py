"""Photos for the demo, drawn: a wall, the thing that is broken, and a red ring around where."""

from __future__ import annotations

import io
from random import Random

from PIL import Image, ImageDraw

SIZE = (480, 360)  # pixels
_WALLS = ("#d9d4c7", "#cfd8d3", "#e3dccb", "#c9d3de")
_THINGS = ("#8d6e4f", "#6f7f8c", "#f4f4f0", "#5a6b5d")


_FOODS = ("#c9822b", "#8f9d3a", "#b5502e", "#e0c27a", "#6b4a2f", "#d8b04c")


def plate(random: Random) -> bytes:
    """A dish from above, as a JPEG of a few kB."""
    image = Image.new("RGB", SIZE, random.choice(_WALLS))
    draw = ImageDraw.Draw(image)
    middle, middle_y = SIZE[0] // 2, SIZE[1] // 2
    for reach, color in ((160, "#b9b3a6"), (156, "#fbfaf6"), (120, "#eeeae0")):
        draw.ellipse((middle - reach, middle_y - reach, middle + reach, middle_y + reach), fill=color)
    main, side = random.sample(_FOODS, 2)
    draw.ellipse((middle - 100, middle_y - 92, middle + 78, middle_y + 92), fill=main)
    draw.ellipse((middle + 18, middle_y - 52, middle + 104, middle_y + 46), fill=side)
    for _ in range(26):
        x, y = middle + random.randint(-70, 60), middle_y + random.randint(-66, 66)
        draw.ellipse((x, y, x + 7, y + 5), fill=random.choice((*_FOODS, "#4f7a34")))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def photo(random: Random) -> bytes:
    """A PNG of a few kB."""
    image = Image.new("RGB", SIZE, random.choice(_WALLS))
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    floor = height - random.randint(50, 95)
    draw.rectangle((0, floor, width, height), fill="#9b8b78")
    for x in range(0, width, 48):
        draw.line((x, floor, x - 36, height), fill="#877965", width=1)
    left, top = random.randint(90, 190), random.randint(60, 120)
    right, bottom = left + random.randint(120, 200), top + random.randint(85, 145)
    draw.rounded_rectangle((left, top, right, bottom), 10, fill=random.choice(_THINGS), outline="#3c3c3c", width=3)
    spot_x, spot_y = random.randint(left + 25, right - 25), random.randint(top + 25, bottom - 20)
    crack = [(spot_x, spot_y)]
    for _ in range(7):
        crack.append((crack[-1][0] + random.randint(-9, 11), crack[-1][1] + random.randint(4, 11)))
    draw.line(crack, fill="#2b2b2b", width=3)
    draw.ellipse((spot_x - 42, spot_y - 30, spot_x + 48, spot_y + 66), outline="#d12a1e", width=5)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
