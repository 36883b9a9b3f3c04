"""Pictures for the tests, honest and hostile."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return `image` as a file of `kind`."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    """Return the picture in `data`, read whole."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def quarters(mode: str = "RGB", size: tuple[int, int] = (80, 40)) -> Image.Image:
    """Return a picture whose upper left quarter is black and the rest white."""
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, size[0] // 2, size[1] // 2))
    return image.convert(mode)


def large(mode: str, kind: str, side: int = 5000, **options: Any) -> bytes:
    """Return a square picture, by default of just as many pixels as we take."""
    return saved(quarters(mode, (side, side)), kind, **options)


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG that unpacks to `width` × `height` white pixels."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * (width // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return PNG + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """Return one chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
