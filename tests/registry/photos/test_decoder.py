"""Files made to do harm, and decoders that something has taken over: whatever happens in there, out here it is a finding."""

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image

from registry.errors import Unavailable
from registry.photos import decoder
from registry.photos.confinement import LIMITS
from registry.photos.findings import Rejection
from registry.photos.model import ContentType, PreviewState
from tests.registry.photos import hostile
from tests.registry.photos.decoding import found, looked_at
from tests.registry.photos.hostile import encoded, picture

GAVE_UP, NOT_AN_IMAGE, DAMAGED, TOO_MANY = Rejection.DECODER_GAVE_UP, Rejection.NOT_AN_IMAGE, Rejection.DAMAGED, Rejection.TOO_MANY_PIXELS
ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("content", [hostile.SVG, hostile.HTML, hostile.PDF, hostile.FIRST_BYTES_OF_A_GIF, hostile.a_zip(), b"", b"\xff", b"\xff\xd8"])
def test_what_is_no_photo_is_not_even_opened(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder.versions()
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", "raise SystemExit(1)"))
    assert (found(content).rejection, found(content).content_type) == (NOT_AN_IMAGE, None)


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "ICO", "PPM", "TGA", "PCX", "ICNS", "EPS", "PDF"])
def test_other_kinds_of_image_are_not_opened_either(kind: str) -> None:
    assert found(encoded(kind, picture((64, 64)))).rejection is NOT_AN_IMAGE


@pytest.mark.parametrize(("side", "colour"), [(13_000, 2), (8_001, 0), (30_000, 0)])
def test_an_enormous_image_in_a_small_file_is_refused_before_it_is_decoded(side: int, colour: int) -> None:
    content = hostile.bomb(side, colour=colour)
    assert len(content) < 1_000_000
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found(content).rejection is TOO_MANY
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


@pytest.mark.parametrize(("kind", "size"), [("WEBP", (16_000, 5_000)), ("JPEG", (65_000, 5_000)), ("HEIF", (8_192, 8_000))])
def test_each_kind_has_its_limit_of_pixels(kind: str, size: tuple[int, int]) -> None:
    fast = {"WEBP": {"method": 0, "quality": 1}, "HEIF": {"quality": 1, "enc_params": {"preset": "ultrafast"}}}.get(kind, {})
    assert found(encoded(kind, Image.new("L" if kind == "JPEG" else "RGB", size), **fast)).rejection is TOO_MANY


def test_the_largest_photo_of_a_telephone_is_previewed() -> None:
    finding, previews = looked_at(encoded("JPEG", Image.new("RGB", (16_320, 12_240), "green"), quality=50))
    assert (finding.rejection, finding.width_px, finding.previews) == (None, 16_320, PreviewState.MADE)
    assert len(previews[1600]) > 1_000


def test_a_progressive_jpeg_that_would_not_fit_in_memory_is_refused() -> None:
    assert found(encoded("JPEG", Image.new("L", (8_200, 8_200)), progressive=True)).rejection is TOO_MANY


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_that_unfolds_is_not_unfolded(kind: bytes) -> None:
    assert found(hostile.text_bomb(kind)).rejection is DAMAGED


def test_ten_thousand_texts_that_unfold_are_given_up() -> None:
    assert found(hostile.many_texts()).rejection is GAVE_UP


POLYGLOTS = {
    "JPEG and ZIP": encoded("JPEG") + hostile.a_zip(),
    "JPEG and HTML": encoded("JPEG") + hostile.HTML,
    "HTML in a comment": hostile.with_segments(encoded("JPEG"), hostile.segment(0xFE, hostile.HTML)),
    "PHP in EXIF": hostile.with_segments(encoded("JPEG"), hostile.exif_block([(0x010F, 2, b"<?php system($_GET[0]);?>\0")])),
    "PNG and ZIP": encoded("PNG") + hostile.a_zip(),
    "WebP and ZIP": encoded("WEBP") + hostile.a_zip(),
    "HEIC and ZIP": encoded("HEIF") + hostile.a_zip(),
    "two JPEGs": encoded("JPEG") + encoded("JPEG", picture((64, 48))),
}


@pytest.mark.parametrize("name", POLYGLOTS)
def test_what_hangs_on_an_image_is_no_reason_to_refuse_it_and_does_not_come_along(name: str) -> None:
    finding, previews = looked_at(POLYGLOTS[name])
    assert (finding.rejection, finding.previews, finding.width_px) == (None, PreviewState.MADE, 1200)
    for preview in previews.values():
        assert not any(trace in preview for trace in (b"PK\x03\x04", b"<script", b"<?php", b"META-INF"))
        assert preview.endswith(b"\xff\xd9")


def test_ten_thousand_segments_are_read_over() -> None:
    content = hostile.with_segments(encoded("JPEG"), *[hostile.segment(0xE5, b"x" * 3_000)] * 10_000)
    assert (len(content) > 30_000_000, found(content).rejection) == (True, None)


def test_the_first_of_a_thousand_pictures_is_shown() -> None:
    finding, previews = looked_at(hostile.animated_webp(1_000))
    assert (finding.rejection, finding.width_px, finding.previews) == (None, 64, PreviewState.MADE)
    assert len(previews[320]) > 0


def test_the_first_picture_of_a_multi_picture_file_is_shown() -> None:
    """As cameras with two lenses, and telephones with a gain map, write it."""
    finding = found(encoded("MPO", picture((800, 600)), save_all=True, append_images=[picture((400, 300))]))
    assert (finding.rejection, finding.content_type, finding.width_px) == (None, ContentType.JPEG, 800)


def test_a_malformed_list_of_pictures_is_no_reason_to_refuse() -> None:
    content = hostile.with_segments(encoded("JPEG"), hostile.segment(0xE2, b"MPF\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 100))
    assert found(content).rejection is None


CONFINED = "import json, sys; from registry.photos import confinement; order = json.loads(sys.argv[1]);"
CONFINE = f"{CONFINED} confinement.confine(order['parent']);"
SOON = "import resource; confinement.LIMITS[resource.RLIMIT_CPU] = (1, 2); confinement.confine(order['parent']);"
DECODING = "from registry.photos import decode; reader = decode.reader_of(order['content_type']);"


@pytest.fixture
def photo() -> bytes:
    decoder.versions()
    return encoded("JPEG", picture((64, 48)))


PREVIEWS = "[open(fd, 'wb').write(b'\\xff\\xd8\\xff') for fd, _ in order['previews']]\n"
MAD = {
    "eats memory": "try: x = [bytes(10_000_000) for _ in range(1_000)]\nexcept MemoryError: sys.exit(12)",
    "reads where it may not": "import ctypes; ctypes.string_at(0)",
    "aborts": "import os; os.abort()",
    "goes round in circles": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass",
    "fills the disk": "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\n"
    "file = open(order['previews'][0][0], 'wb')\nwhile True: file.write(bytes(1_000_000))",
    "prints one long line": "print('x' * 100_000_000)",
    "prints without end": "while True: print('{}')",
    "prints nothing": "",
    "prints no JSON": "print('not JSON')",
    "prints a list": "print('[]')",
    "prints brackets": "print('[' * 60_000)",
    "prints an empty object": "print('{}')",
    "refuses for a reason of its own": "print(json.dumps({'refused': 'not-your-business'}))",
    "makes no previews": "print(json.dumps({'width_px': 10, 'height_px': 10, 'placeholder': 'LEHV6nWB2yk8'}))",
    "makes scripts of the previews": "[open(fd, 'wb').write(b'<script>') for fd, _ in order['previews']]\n"
    "print(json.dumps({'width_px': 10, 'height_px': 10, 'placeholder': 'LEHV6nWB2yk8'}))",
    "has an image of no size": PREVIEWS + "print(json.dumps({'width_px': -1, 'height_px': 1e300, 'placeholder': 'LEHV6nWB2yk8'}))",
    "has a script for a placeholder": PREVIEWS + "print(json.dumps({'width_px': 10, 'height_px': 10, 'placeholder': '<script>alert(1)</script>\\0'}))",
}


@pytest.mark.parametrize("way", MAD)
def test_a_decoder_that_has_lost_its_mind_gave_up(photo: bytes, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", f"{CONFINE}\n{MAD[way]}"))
    finding = found(photo)
    assert (finding.rejection, finding.content_type, finding.previews) == (GAVE_UP, ContentType.JPEG, PreviewState.AWAITED)


def test_what_a_decoder_says_beyond_belief_is_left_out(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        "width_px": 10, "height_px": 10, "placeholder": "LEHV6nWB2yk8", "orientation": 99, "taken_at": "DROP TABLE", "offset": [], "longitude": float("nan"),
        "latitude": 1e9, "camera": "\0\ud800",
    }  # fmt: skip
    program = f"{CONFINE}\nfor fd, _ in order['previews']:\n    open(fd, 'wb').write(b'\\xff\\xd8\\xff')\nprint({json.dumps(said)!r})"
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    finding = found(photo)
    assert finding.previews is PreviewState.MADE
    odd = (finding.orientation, finding.exif_taken_at, finding.exif_clock_time, finding.exif_longitude, finding.exif_latitude, finding.camera)
    assert odd == (None,) * 6


def test_a_photo_that_takes_more_time_than_there_is_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real decoder on a real bomb; it has one second here instead of twenty."""
    content = hostile.many_scans(400, side=4_000)
    assert len(content) < 200_000
    program = f"{CONFINED} {DECODING} {SOON}\nprint(json.dumps(decode.look_at(sys.stdin.buffer, reader, order)))"
    decoder.versions()
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    assert found(content).rejection is GAVE_UP


def test_a_photo_that_takes_more_memory_than_there_is_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real decoder on 64 megapixels; it has 300 MB here instead of a thousand."""
    program = (
        f"{CONFINED} from registry.photos import decode; import resource; confinement.LIMITS[resource.RLIMIT_AS] = (300_000_000,) * 2; sys.exit(decode.main())"
    )
    decoder.versions()
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    assert found(hostile.bomb(7_999)).rejection is GAVE_UP
    assert found(encoded("JPEG", picture((640, 480)))).rejection is None


@pytest.mark.parametrize("how", ["import time; time.sleep(600)", "import os; os.close(1); import time; time.sleep(600)"])
def test_a_decoder_that_does_not_end_is_ended_and_tried_once_more(photo: bytes, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", CONFINE + how))
    monkeypatch.setattr(decoder, "WALL_S", 0.5)
    began = time.monotonic()
    assert found(photo).rejection is GAVE_UP
    assert 1 <= time.monotonic() - began < 5


def test_a_decoder_that_is_killed_from_outside_is_tried_once_more(photo: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    once = tmp_path / "once"
    program = (
        "import os, pathlib, signal\n"
        f"once = pathlib.Path({str(once)!r})\n"
        "if not once.exists():\n    once.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "from registry.photos.decode import main\nraise SystemExit(main())"
    )
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    finding = found(photo)
    assert (once.exists(), finding.rejection, finding.previews) == (True, None, PreviewState.MADE)


def test_a_mistake_of_ours_is_not_held_against_the_photo(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", CONFINE + "raise AssertionError('nobody thought of this')"))
    finding = found(photo)
    assert (finding.rejection, finding.content_type, finding.previews) == (None, ContentType.JPEG, PreviewState.UNAVAILABLE)


def test_without_pillow_heif_only_a_heic_has_no_previews(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", "import sys; sys.modules['pillow_heif'] = None\nfrom registry.photos.decode import main; sys.exit(main())"))
    decoder.versions.cache_clear()
    try:
        heic, jpeg = found(encoded("HEIF")), found(encoded("JPEG"))
    finally:
        decoder.versions.cache_clear()
    assert (heic.rejection, heic.content_type, heic.previews) == (None, ContentType.HEIC, PreviewState.UNAVAILABLE)
    assert (jpeg.previews, "heif" in jpeg.decoder) == (PreviewState.MADE, False)


def test_a_heic_beyond_a_limit_of_libheif_is_kept_and_has_no_previews() -> None:
    finding = found(hostile.heic_over_a_limit())
    assert (finding.rejection, finding.content_type, finding.previews) == (None, ContentType.HEIC, PreviewState.UNAVAILABLE)


def test_a_decoder_that_does_not_start_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", "import no_such_module"))
    decoder.versions.cache_clear()
    with pytest.raises(Unavailable):
        found(b"\xff\xd8\xff")


def test_the_decoder_has_no_secrets_opens_nothing_and_is_in_a_group_of_its_own(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    program = f"""import os, resource, socket
{CONFINE}
def refused(do):
    try:
        do()
    except OSError as error:
        return error.errno
facts = {{
    "environment": dict(os.environ),
    "file": refused(lambda: open("/etc/passwd")),
    "socket": refused(lambda: socket.socket()),
    "process": refused(lambda: os.popen("id").read()),
    "group": os.getpgid(0) == os.getpid() == os.getsid(0),
    "limits": {{str(limit): resource.getrlimit(limit) for limit in confinement.LIMITS}},
    "there": [fd for fd in range(100) if refused(lambda: os.fstat(fd)) is None],
    "previews": [fd for fd, _ in order["previews"]],
}}
print(json.dumps(facts))"""
    monkeypatch.setenv("REGISTRY_DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as large, tempfile.TemporaryFile() as small:
        source.write(photo)
        source.flush()
        facts = json.loads(decoder._run(source, ContentType.JPEG, {1600: large, 320: small}))
    assert set(facts["environment"]) <= {"PYTHONPATH", "MALLOC_ARENA_MAX", "LC_CTYPE"}
    assert (facts["file"], facts["socket"], facts["process"]) == (24, 24, 24)
    assert facts["group"]
    assert facts["limits"] == {str(limit): list(values) for limit, values in LIMITS.items()}
    assert sorted(facts["there"]) == sorted([0, 1, 2, *facts["previews"]])


PARENT = """
import sys, tempfile
from registry.photos import decoder
decoder.versions()
decoder.PROGRAM = ("-c", sys.argv[1])
with tempfile.TemporaryFile() as source:
    source.write(b"\\xff\\xd8\\xff")
    decoder.look_at(source, {})
"""


def test_a_decoder_goes_with_the_worker_that_started_it() -> None:
    worker = subprocess.Popen([sys.executable, "-c", PARENT, CONFINE + "import time; time.sleep(600)"], cwd=ROOT, env=dict(os.environ))
    try:
        child = _child_of(psutil.Process(worker.pid))
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        gone, alive = psutil.wait_procs([child], timeout=10)
        assert (len(gone), alive) == (1, [])
    finally:
        worker.kill()
        worker.wait()


def test_a_sigterm_for_the_whole_service_does_not_end_a_decoder_half_way(photo: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", CONFINE + 'import os, signal; os.kill(os.getpid(), signal.SIGTERM); print(\'{"refused": "damaged"}\')'))
    assert found(photo).rejection is DAMAGED


def test_whatever_a_decoder_started_ends_with_it(photo: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        'import os, time, pathlib\nif os.fork():\n    print(\'{"refused": "damaged"}\')\n'
        f"else:\n    os.close(1); pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(600)"
    )
    monkeypatch.setattr(decoder, "PROGRAM", ("-c", program))
    assert found(photo).rejection is DAMAGED
    time.sleep(0.2)
    assert not note.exists() or not psutil.pid_exists(int(note.read_text() or "0")) or psutil.Process(int(note.read_text())).status() == "zombie"


def _child_of(process: psutil.Process) -> psutil.Process:
    """The decoder that sleeps, not the one that told its versions."""
    for _ in range(200):
        for child in process.children():
            if "time.sleep(600)" in " ".join(child.cmdline()):
                return child
        time.sleep(0.05)
    raise TimeoutError
