"""Scans: honest pictures of every kind come out as plain JPEGs, hostile ones as a refusal, within their limits."""

import asyncio
import io
import random
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from miniprogram_api.problem import Problems
from server.gateways import bounded, scans
from server.gateways.scans import Refusal, Scans
from server.kernel.errors import DomainError
from tests.gateways.pictures import JPEG, PNG, bomb, chunk, large, opened, quarters, saved
from tests.policy.shelf import CONTENT

SCANS = Scans()
SMALL = saved(quarters(), "PNG")
CANARY = b"canary-of-the-camera"


async def refusal(data: bytes) -> tuple[str, int]:
    with pytest.raises(DomainError) as refused:
        await SCANS.clean(data)
    return refused.value.slug, refused.value.status


def dark_corner(image: Image.Image) -> tuple[int, ...]:
    """Return which quarters are dark: 0 upper left, 1 upper right, 2 lower left, 3 lower right."""
    grey, (width, height) = image.convert("L"), image.size
    points = [(x, y) for y in (height // 4, height * 3 // 4) for x in (width // 4, width * 3 // 4)]
    return tuple(place for place, point in enumerate(points) if int(str(grey.getpixel(point))) < 64)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [(mode, "JPEG") for mode in ("L", "RGB", "CMYK")]
    + [(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")],
)
async def test_pictures_of_every_kind_are_taken(mode: str, kind: str) -> None:
    image = quarters("L")
    deep = image.convert("I").point(lambda grey: grey * 257).convert("I;16") if mode == "I;16" else image.convert(mode)
    remade = opened(await SCANS.clean(saved(deep, kind)))
    assert (remade.format, remade.mode, remade.size) == ("JPEG", "RGB", (80, 40))
    assert dark_corner(remade) == (0,)


async def test_sixteen_bits_of_grey_keep_their_shades() -> None:
    middle = Image.new("I;16", (40, 40), 128 * 256)
    grey = opened(await SCANS.clean(saved(middle, "PNG"))).getpixel((20, 20))
    assert isinstance(grey, tuple)
    assert abs(grey[0] - 128) <= 2


@pytest.mark.parametrize("mode", ["RGBA", "P"])
async def test_what_is_transparent_becomes_white_paper(mode: str) -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    data = saved(clear, "PNG") if mode == "RGBA" else saved(Image.new("P", (40, 40)), "PNG", transparency=0)
    assert opened(await SCANS.clean(data)).getpixel((20, 20)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("kind", "orientation", "corner"),
    [("JPEG", n, corner) for n, corner in enumerate((0, 1, 3, 2, 0, 1, 3, 2), start=1)] + [("PNG", 6, 1)],
)
async def test_a_picture_stands_as_it_was_taken(kind: str, orientation: int, corner: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    remade = opened(await SCANS.clean(saved(quarters(), kind, exif=exif)))
    assert remade.size == ((40, 80) if orientation > 4 else (80, 40))
    assert dark_corner(remade) == (corner,)
    assert not remade.getexif()


async def test_place_camera_and_comments_are_gone() -> None:
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    marked = saved(quarters(), "JPEG", exif=exif, comment=CANARY, icc_profile=CANARY, xmp=CANARY)
    assert marked.count(CANARY) >= 4
    remade = await SCANS.clean(marked)
    assert CANARY not in remade
    assert set(opened(remade).info) == {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


async def test_exif_that_cannot_be_read_turns_nothing() -> None:
    data = saved(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40)
    assert dark_corner(opened(await SCANS.clean(data))) == (0,)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_nothing_behind_a_picture_comes_along(kind: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("page.html", "<script>" + CANARY.decode())
    both = saved(quarters(), kind) + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(both))
    remade = await SCANS.clean(both)
    assert not zipfile.is_zipfile(io.BytesIO(remade))
    assert CANARY not in remade


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("PNG", (4999, 5001)),
        ("JPEG", (25_000, 1000)),
        pytest.param("PNG", (25_000, 1000), marks=pytest.mark.drill),
        pytest.param("JPEG", (4999, 5001), marks=pytest.mark.drill),
    ],
)
async def test_the_largest_picture_is_made_smaller(kind: str, size: tuple[int, int]) -> None:
    remade = opened(await SCANS.clean(saved(quarters(size=size), kind)))
    assert max(remade.size) <= 3000
    assert abs(remade.width / remade.height / (size[0] / size[1]) - 1) < 0.01
    assert dark_corner(remade) == (0,)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"GIF89a" + bytes(20),
        saved(quarters(), "GIF"),
        saved(quarters(), "TIFF"),
        saved(quarters(), "WEBP"),
        saved(quarters(), "BMP"),
        b"\n" + saved(quarters(), "PNG"),
    ],
)
async def test_what_is_no_jpeg_or_png_is_refused_whatever_it_is_called(data: bytes) -> None:
    assert await refusal(data) == ("scan_type", 415)


async def test_a_file_past_five_megabytes_is_refused_unread() -> None:
    data = saved(quarters(), "PNG")
    assert await SCANS.clean(data + bytes(5 * 1024 * 1024 - len(data)))
    assert await refusal(data + bytes(5 * 1024 * 1024 - len(data) + 1)) == ("scan_too_large", 413)


def wide_jpeg(width: int, height: int) -> bytes:
    return saved(quarters(size=(width, height)), "JPEG")


@pytest.mark.parametrize(
    ("make", "width", "height"),
    [(bomb, 30_000, 30_000), (bomb, 8000, 6300), (bomb, 5008, 5000), (wide_jpeg, 5001, 5000)],
)
async def test_too_many_pixels_are_refused(make: Callable[[int, int], bytes], width: int, height: int) -> None:
    data = make(width, height)
    assert len(data) < 1_000_000
    assert await refusal(data) == ("scan_pixels", 422)


async def test_a_moving_picture_is_refused() -> None:
    data = saved(quarters(), "PNG", save_all=True, append_images=[quarters().rotate(90)])
    assert await refusal(data) == ("scan_animated", 422)


async def test_a_phones_picture_with_a_second_one_behind_gives_the_first() -> None:
    data = saved(quarters(), "MPO", save_all=True, append_images=[quarters().rotate(180)])
    assert dark_corner(opened(await SCANS.clean(data))) == (0,)


DICE = random.Random(4)  # noqa: S311 -- chance, not secrecy


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        PNG,
        saved(quarters(), "JPEG")[:-300],
        saved(quarters(), "PNG")[:-30],
        JPEG + DICE.randbytes(5000),
        saved(quarters(), "PNG")[:33] + DICE.randbytes(5000),
        bomb(8, 8).replace(chunk(b"IEND", b""), chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000)))),
        bomb(0, 0),
        PNG + chunk(b"IHDR", b"\x7f\xff\xff\xff" * 2 + b"\1\0\0\0\0"),
    ],
    ids=["head", "head", "cut", "cut", "dice", "dice", "text", "empty", "vast"],
)
async def test_what_cannot_be_read_is_refused(data: bytes) -> None:
    slug, status = await refusal(data)
    assert slug in {"scan_broken", "scan_pixels"}
    assert status == 422


async def test_bytes_changed_at_random_are_read_or_refused() -> None:
    dice = random.Random(5)  # noqa: S311 -- chance, not secrecy

    async def tried(data: bytearray) -> bool:
        for _ in range(5):
            data[dice.randrange(3, len(data))] = dice.randrange(256)
        try:
            return (await SCANS.clean(bytes(data))).startswith(b"\xff\xd8\xff")
        except DomainError as refused:
            return refused.status == 422

    pictures = [bytearray(saved(quarters(), kind)) for kind in ("JPEG", "PNG") for _ in range(8)]
    assert all(await asyncio.gather(*map(tried, pictures)))


BOUNDED = Path(bounded.__file__).with_name("bounded_child.py")
WORKER = Path(scans.__file__).with_name("scan_worker.py")


MEASURED = f"""
import resource, subprocess, sys
worker = [sys.executable, "-I", {str(BOUNDED)!r}, {str(WORKER)!r}, "25"]
done = subprocess.run(worker, stdin=sys.stdin, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.returncode, used.ru_maxrss // 1024, used.ru_utime + used.ru_stime)
"""
WHOLE = {"progressive": True, "subsampling": 0, "quality": 95}


@pytest.mark.parametrize(
    ("mode", "kind", "side", "options"),
    [
        ("RGBA", "PNG", 5000, {"compress_level": 1}),
        pytest.param("LA", "PNG", 5000, {"compress_level": 1}, marks=pytest.mark.drill),
        ("RGB", "JPEG", 5000, WHOLE),
        pytest.param("RGB", "JPEG", 4000, WHOLE, marks=pytest.mark.drill),
        pytest.param("CMYK", "JPEG", 4000, WHOLE, marks=pytest.mark.drill),
    ],
)
def test_the_hungriest_pictures_fit_into_memory_and_time(
    mode: str, kind: str, side: int, options: dict[str, Any]
) -> None:
    data = large(mode, kind, side, **options)
    told = subprocess.run([sys.executable, "-c", MEASURED], input=data, capture_output=True, check=True)
    code, megabytes, seconds = map(float, told.stdout.split())
    assert code == 0
    assert megabytes < 256
    assert seconds < 4


def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    path = tmp_path / "worker.py"
    path.write_text(program)
    monkeypatch.setattr(scans, "_WORKER", path)


@pytest.mark.parametrize(
    "program",
    [
        "while True: pass",
        "import sys; sys.stdin.buffer.read(); sys.stdout.buffer.write(b'\\xff\\xd8\\xff' + bytes(50_000_000))",
        "print('<html>')",
        "import os; os.kill(os.getpid(), 11)",
        "import sys; sys.stdin.close(); sys.exit(3)",
    ],
    ids=["never ends", "floods", "no picture", "crashes", "silent"],
)
async def test_a_worker_led_astray_is_stopped_and_its_answer_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(scans, "_SECONDS", 60.0)  # so that the core's seconds end first, however little it gets
    planted(tmp_path, monkeypatch, program)
    assert await refusal(SMALL) == ("scan_broken", 422)


async def test_a_picture_that_nobody_came_to_clean_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "_SECONDS", 0.5)
    planted(tmp_path, monkeypatch, "import time; time.sleep(60)")
    assert await refusal(SMALL) == ("scan_busy", 503)


async def test_a_worker_that_cannot_start_is_our_fault_not_the_senders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(tmp_path, monkeypatch, "import nowhere")
    with pytest.raises(RuntimeError, match="does not run"):
        await SCANS.clean(SMALL)


async def test_the_worker_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YZT_VAULT_KEYS", "secret")
    program = "import os, sys; sys.stdout.buffer.write(b'\\xff\\xd8\\xff' + str(dict(os.environ)).encode())"
    planted(tmp_path, monkeypatch, program)
    assert b"YZT" not in await SCANS.clean(SMALL)


async def test_a_client_that_hangs_up_leaves_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signs = tmp_path / "running"  # folders, since it may write no file
    planted(tmp_path, monkeypatch, f"import os, time; os.makedirs(f'{signs}/{{os.getpid()}}'); time.sleep(60)")
    cleaning = asyncio.create_task(SCANS.clean(SMALL))
    while not (found := list(signs.glob("*"))):
        await asyncio.sleep(0.01)
    cleaning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cleaning
    assert not Path(f"/proc/{found[0].name}").exists()


def test_the_server_itself_never_loads_the_decoder() -> None:
    code = "import sys, server.gateways.scans; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_refusal_has_its_words() -> None:
    assert {f"scan_{reason}" for reason in Refusal} <= set(Problems.load(CONTENT).problems)
