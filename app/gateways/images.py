"""What a photo or a video says about its maker is taken out before it is stored: place, time, device, words.

Images are decoded and encoded anew from their pixels alone, turned upright first and brought to sRGB, so that no
EXIF, XMP, IPTC, text chunk, colour profile or appended data survives. Of an animation the first frame stays.
Videos are not encoded anew: see videos.py.

HEIC is refused here: decoding it in Python means libheif, and its bindings (pi-heif 1.4.0) were killed by a segmentation
fault within seconds of random bytes in a small file, which would be a worker of ours. Nobody misses it where photos of
taps are sent: an iPhone converts to JPEG by itself where a form accepts image/jpeg and not image/heic. Identity documents
may lie in a folder as HEIC: those are decoded in a process of their own (confined.py).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from app.gateways.videos import blank_metadata
from app.rules.errors import Invalid

MAX_PIXELS = 50_000_000  # 200 MB decoded; phones make up to 50 megapixels, decompression bombs far more
JPEG_QUALITY = 90
THUMBNAIL_QUALITY = 80
LEAST_SIDE = 200  # pixels: under this nobody reads a card

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
_VIDEOS = frozenset({"video/mp4", "video/quicktime", "video/3gpp"})
_HEIC = frozenset({"image/heic", "image/heif"})
_DEEP_GRAY = "I;16"
_ORIENTATION = 0x0112  # of EXIF: how to turn or mirror what is stored
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

METADATA_CARRIERS = frozenset(_FORMATS) | _VIDEOS


class UnsupportedMedia(Invalid):
    """A kind of file whose metadata we cannot take out."""

    code = "unsupported_media"
    status = 415


class UnreadableImage(Invalid):
    """Not an image of the kind it claims to be, damaged, or too large to decode."""

    code = "unreadable_image"


def strip_metadata(content: bytes, media_type: str) -> bytes:
    """The same picture or film without anything that was written about it.

    `media_type`: one of METADATA_CARRIERS, and what the bytes really are; the result is of the same.
    """
    if media_type in _VIDEOS:
        return blank_metadata(content)
    if media_type in _HEIC:
        raise UnsupportedMedia("HEIC photos cannot be accepted; please send this one as JPEG.")
    if media_type not in _FORMATS:
        raise UnsupportedMedia("This kind of file cannot be accepted as a photo or a video.")
    kind = _FORMATS[media_type]
    image = _decode(content, [kind])
    return _encode(_opaque(image) if kind == "JPEG" else image, kind, JPEG_QUALITY)


def thumbnail(content: bytes, size: int = 480) -> bytes:
    """A JPEG whose longer side is at most `size` pixels; smaller images stay as small as they are."""
    image = _decode(content, list(_FORMATS.values()), draft=size)
    image.thumbnail((size, size))
    return _encode(_opaque(image), "JPEG", THUMBNAIL_QUALITY)


def check_legible(content: bytes, least: int = LEAST_SIDE) -> None:
    """Refuse a picture that is too small to read, or far too large. Errors: UnreadableImage."""
    try:
        with Image.open(io.BytesIO(content), formats=list(_FORMATS.values())) as image:
            width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("This picture is too large. Please take it with fewer megapixels.") from error
    except (OSError, ValueError, SyntaxError, struct.error) as error:
        raise UnreadableImage("This image is damaged and cannot be read.") from error
    if min(width, height) < least:
        raise UnreadableImage(f"This picture has {width} by {height} pixels, too few to read anything. Please take it again, closer.")


def _decode(content: bytes, formats: list[str], draft: int | None = None) -> Image.Image:
    """The upright pixels in sRGB and nothing else, as L, RGB, RGBA or 16-bit gray."""
    try:
        with _whole_only(), Image.open(io.BytesIO(content), formats=formats) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UnreadableImage(f"This image has more than {MAX_PIXELS // 1_000_000} megapixels.")
            if draft is not None:
                image.draft("RGB", (2 * draft, 2 * draft))  # lets JPEG skip the detail that nobody will see
            image.load()
            return _bare(_in_srgb(_upright(image)))
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage("This file is not an image of the kind it claims to be.") from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        struct.error,
    ) as error:  # what Pillow's decoders raise
        raise UnreadableImage("This image is damaged and cannot be read.") from error


@contextmanager
def _whole_only() -> Iterator[None]:
    """Refuse truncated images, whatever others have set: importing WeasyPrint makes all of Pillow accept them."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _upright(image: Image.Image) -> Image.Image:
    """Turned as EXIF says. ImageOps.exif_transpose also writes the EXIF anew, and fails where a camera wrote it badly."""
    turn = _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return image if turn is None else image.transpose(turn)


def _in_srgb(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in {"RGB", "RGBA", "CMYK"}:
        return image
    mode = "RGB" if image.mode == "CMYK" else image.mode
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # a broken profile: the colours stay as they are written
        return image
    return cast(Image.Image, converted)


def _bare(image: Image.Image) -> Image.Image:
    """A new image of the same pixels: what Pillow remembered of the file stays behind."""
    if image.mode not in {"L", "RGB", "RGBA", _DEEP_GRAY}:
        gray = image.mode == "1"
        image = image.convert("L" if gray else "RGBA" if image.has_transparency_data else "RGB")
    elif image.mode != "RGBA" and image.has_transparency_data:
        image = image.convert("RGBA")
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare


def _opaque(image: Image.Image) -> Image.Image:
    """On white where it was transparent, as JPEG needs it."""
    if image.mode == _DEEP_GRAY:
        return image.point(lambda value: value / 256).convert("L")
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _encode(image: Image.Image, kind: str, quality: int) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, quality=quality)  # PNG and GIF have no use for it
    return output.getvalue()
