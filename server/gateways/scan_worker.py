"""Make a scan anew: a picture on standard input, a JPEG on standard output.

A program of its own, which `server.gateways.scans` starts within bounds: whoever sent the picture chose every byte of
it. The one argument is how many megapixels a picture may have. A picture that is refused ends it with `REFUSED` and the
reason as output.
"""

import io
import sys
import warnings

from PIL import ExifTags, Image

REFUSED = 3
_LONGEST_SIDE = 3000
_WHOLE_PIXELS = 16_000_000
"""Above, a picture is halved while it is read: whole, a progressive JPEG of 25 megapixels takes 250 MB."""
_BAND_ROWS = 256
_QUALITY = 85
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""By EXIF's orientation."""


class Refused(Exception):  # noqa: N818 -- not an error of ours
    """The picture is not one that we take, for the reason in `args`."""


def main() -> int:
    """Read, remake, write; return the exit code."""
    Image.MAX_IMAGE_PIXELS = int(sys.argv[1]) * 1_000_000
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    data = sys.stdin.buffer.read()
    try:
        output, code = _remade(data), 0
    except Refused as refused:
        output, code = str(refused).encode(), REFUSED
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        output, code = b"pixels", REFUSED
    except Exception:  # noqa: BLE001 -- on bytes that are no picture decoders fail in many ways, for want of memory too
        output, code = b"broken", REFUSED
    sys.stdout.buffer.write(output)
    return code


def _remade(data: bytes) -> bytes:
    """Return the picture alone as a JPEG: place, time, camera and comments are not ours to keep."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        if image.format == "PNG" and getattr(image, "is_animated", False):
            raise Refused("animated")
        if _too_big(image):
            image.draft(None, (image.width // 2, image.height // 2))  # JPEG only; others are read whole
        image.load()
        flat = _flat(image, 2 if _too_big(image) else 1)
        turn = _turn(image)
    flat.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    remade = io.BytesIO()
    (flat if turn is None else flat.transpose(turn)).save(remade, "JPEG", quality=_QUALITY)
    return remade.getvalue()


def _too_big(image: Image.Image) -> bool:
    return image.width * image.height > _WHOLE_PIXELS


def _flat(image: Image.Image, factor: int) -> Image.Image:
    """Return the picture in colours on white paper, `factor` times smaller.

    Band by band: no copy of the whole is ever made, which would be 100 MB.
    """
    flat = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    for top in range(0, image.height, _BAND_ROWS):
        band = image.crop((0, top, image.width, min(top + _BAND_ROWS, image.height)))
        flat.paste(_on_white(band).reduce(factor), (0, top // factor))
    return flat


def _on_white(band: Image.Image) -> Image.Image:
    if band.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off instead of scaling
        return band.point(lambda grey: grey * (1 / 256)).convert("L").convert("RGB")
    if not band.has_transparency_data:
        return band.convert("RGB")
    paper = Image.new("RGBA", band.size, "white")
    paper.alpha_composite(band.convert("RGBA"))
    return paper.convert("RGB")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how to turn the picture so that it stands as it was taken."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 -- what cannot be read turns nothing
        return None


if __name__ == "__main__":
    sys.exit(main())
