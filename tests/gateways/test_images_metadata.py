"""Photos keep their pixels and lose what was written about them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from app.gateways import images
from app.gateways.images import (
    METADATA_CARRIERS,
    UnreadableImage,
    UnsupportedMedia,
    strip_metadata,
    thumbnail,
)

PLANTED = b"17.3850N-78.4867E"
RED, BLUE = (220, 20, 20), (20, 20, 220)
KINDS = [("image/jpeg", "JPEG"), ("image/png", "PNG"), ("image/webp", "WEBP")]


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010F] = "Secret Camera"
    made[0x9286] = PLANTED.decode()
    made.get_ifd(0x8825)[29] = PLANTED.decode()  # GPS
    return made


def picture(size: tuple[int, int] = (64, 32), mode: str = "RGB") -> Image.Image:
    """Left half red, right half blue."""
    made = Image.new("RGB", size, RED)
    made.paste(BLUE, (size[0] // 2, 0, *size))
    return made.convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def near(pixel: Any, colour: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 25 for a, b in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize(("media_type", "kind"), KINDS)
def test_place_and_device_are_gone_and_the_picture_stays(media_type: str, kind: str) -> None:
    before = encoded(picture(), kind, exif=exif(), xmp=b"<x>" + PLANTED + b"</x>")
    assert PLANTED in before
    after = strip_metadata(before, media_type)
    assert PLANTED not in after
    assert b"Secret Camera" not in after
    image = opened(after)
    assert (image.format, image.size, dict(image.getexif())) == (kind, (64, 32), {})
    assert near(image.convert("RGB").getpixel((5, 5)), RED)
    assert near(image.convert("RGB").getpixel((60, 5)), BLUE)


def test_comments_text_chunks_and_appended_bytes_are_gone() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", PLANTED.decode())
    text.add_itxt("Place", PLANTED.decode(), zip=False)
    png = encoded(picture(), "PNG", pnginfo=text) + PLANTED
    jpeg = encoded(picture(), "JPEG", comment=PLANTED) + PLANTED
    assert png.count(PLANTED) == 3
    assert jpeg.count(PLANTED) == 2
    assert PLANTED not in strip_metadata(png, "image/png")
    assert PLANTED not in strip_metadata(jpeg, "image/jpeg")


def test_a_gif_loses_its_comment() -> None:
    before = encoded(picture(), "GIF", comment=PLANTED)
    assert PLANTED in before
    assert PLANTED not in strip_metadata(before, "image/gif")


def test_a_heic_photo_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedMedia, match="as JPEG"):
        strip_metadata(b"x", "image/heic")


@pytest.mark.parametrize(
    ("orientation", "size", "red_at", "blue_at"),
    [
        (1, (64, 32), (5, 5), (60, 5)),
        (3, (64, 32), (60, 5), (5, 5)),
        (6, (32, 64), (5, 5), (5, 60)),
        (8, (32, 64), (5, 60), (5, 5)),
    ],
)
def test_a_turned_photo_is_upright_before_its_orientation_is_forgotten(
    orientation: int, size: tuple[int, int], red_at: tuple[int, int], blue_at: tuple[int, int]
) -> None:
    image = opened(strip_metadata(encoded(picture(), "JPEG", exif=exif(orientation)), "image/jpeg"))
    assert image.size == size
    assert near(image.getpixel(red_at), RED)
    assert near(image.getpixel(blue_at), BLUE)


def test_a_colour_profile_is_applied_and_dropped() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = opened(strip_metadata(encoded(picture(), "JPEG", icc_profile=profile), "image/jpeg"))
    assert "icc_profile" not in image.info
    assert near(image.getpixel((5, 5)), RED)


def test_a_broken_colour_profile_does_not_stop_a_photo() -> None:
    content = encoded(picture(), "PNG", icc_profile=b"no profile at all")
    assert opened(strip_metadata(content, "image/png")).size == (64, 32)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_stays_a_png(mode: str) -> None:
    source = Image.new("I;16", (64, 32), 40_000) if mode == "I;16" else picture(mode=mode)
    image = opened(strip_metadata(encoded(source, "PNG"), "image/png"))
    assert (image.format, image.size) == ("PNG", (64, 32))


def test_transparency_stays() -> None:
    source = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    palette = encoded(source.quantize(), "PNG")
    for content in (encoded(source, "PNG"), palette):
        pixel = opened(strip_metadata(content, "image/png")).convert("RGBA").getpixel((0, 0))
        assert isinstance(pixel, tuple)
        assert pixel[3] == 0


def test_deep_gray_keeps_its_depth() -> None:
    content = encoded(Image.new("I;16", (8, 8), 40_000), "PNG")
    assert opened(strip_metadata(content, "image/png")).getpixel((0, 0)) == 40_000


def test_a_cmyk_photo_becomes_an_ordinary_one() -> None:
    image = opened(strip_metadata(encoded(picture(mode="CMYK"), "JPEG"), "image/jpeg"))
    assert image.mode == "RGB"


@pytest.mark.parametrize(("media_type", "kind"), [*KINDS[1:], ("image/gif", "GIF")])
def test_of_an_animation_the_first_frame_stays(media_type: str, kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, BLUE)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    image = opened(strip_metadata(content, media_type))
    assert getattr(image, "n_frames", 1) == 1
    assert near(image.convert("RGB").getpixel((5, 5)), RED)


def bomb(width: int, height: int) -> bytes:
    """A PNG of some bytes that claims to be of this size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(7072, 7072), (10_000, 10_000), (60_000, 60_000)])
@pytest.mark.parametrize("use", [lambda content: strip_metadata(content, "image/png"), thumbnail])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(use: Any, size: tuple[int, int]) -> None:
    with pytest.raises(UnreadableImage):
        use(bomb(*size))


def test_an_image_that_is_not_what_it_claims_to_be_is_refused() -> None:
    with pytest.raises(UnreadableImage, match="claims"):
        strip_metadata(encoded(picture(), "PNG"), "image/jpeg")


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00 an .exe named .jpg", b"\xff\xd8\xff\xe0", b"<svg/>"])
def test_what_is_no_image_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableImage):
        strip_metadata(content, "image/jpeg")


@pytest.mark.parametrize(("media_type", "kind"), KINDS)
def test_a_cut_off_image_is_refused_wherever_it_is_cut(media_type: str, kind: str) -> None:
    whole = encoded(picture(), kind)
    for length in range(0, len(whole) // 2, 7):
        with pytest.raises(UnreadableImage):
            strip_metadata(whole[:length], media_type)


@pytest.mark.parametrize("media_type", ["application/pdf", "image/svg+xml", "image/heic", "video/webm", ""])
def test_what_cannot_be_cleaned_is_not_passed_on(media_type: str) -> None:
    assert media_type not in METADATA_CARRIERS
    with pytest.raises(UnsupportedMedia) as caught:
        strip_metadata(b"x", media_type)
    assert caught.value.status == 415


@pytest.mark.parametrize(("media_type", "kind"), KINDS)
def test_a_thumbnail_fits_and_carries_nothing(media_type: str, kind: str) -> None:
    small = thumbnail(encoded(picture((1600, 800)), kind, exif=exif(6)), 480)
    assert PLANTED not in small
    assert (opened(small).format, opened(small).size) == ("JPEG", (240, 480))


def test_a_thumbnail_of_something_transparent_is_on_white() -> None:
    content = encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG")
    assert near(opened(thumbnail(content)).getpixel((0, 0)), (255, 255, 255))


def test_a_small_image_is_not_blown_up() -> None:
    assert opened(thumbnail(encoded(picture(), "JPEG"))).size == (64, 32)


def test_the_bound_is_one_that_phones_stay_below() -> None:
    assert images.MAX_PIXELS >= 8160 * 6120  # 50 megapixels: what phones make


def test_a_cut_off_image_is_refused_though_another_library_lets_pillow_accept_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    out = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(out, "JPEG")
    with pytest.raises(UnreadableImage, match="damaged"):
        strip_metadata(out.getvalue()[:700], "image/jpeg")
