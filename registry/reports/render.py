"""The program that lays out one report, in a process of its own: from content.json and the pictures in a folder to report.html and report.pdf.

What people wrote reaches the templates as values only: Jinja escapes each, and typst gets JSON of which the strings are never evaluated. The program is
held back in memory, time and size of files, because a layout can also be too much without meaning harm.
"""

import base64
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Final

import jinja2
import typst
from PIL import Image

from registry import orphans
from registry.reports.letters import ALPHABET, SIMPLE, printable

MEMORY_BYTES: Final = 3 * 1024**3
"""Of address space; the program and its fonts take 0.4 GB of it before the first photo."""
CPU_S: Final = 120
LARGEST_OUTPUT_BYTES: Final = 256 * 1024**2
SHOWN_PX: Final = ((60, 960), (200, 640), (10_000, 400))
"""Up to so many photos, their longer side is at most so many pixels: 8 cm on paper at 300, 200 and 125 dots per inch."""
LONGEST_COMPLAINT: Final = 300
"""Characters; more could repeat what a person wrote."""
JPEG_QUALITY: Final = 80
HERE: Final = Path(__file__).parent
STANDARDS: Final = ["a-2a", "ua-1"]
"""For the archive, and for who reads with her ears."""
LIMITS: Final = {
    resource.RLIMIT_AS: MEMORY_BYTES,
    resource.RLIMIT_CPU: CPU_S,
    resource.RLIMIT_FSIZE: LARGEST_OUTPUT_BYTES,
    resource.RLIMIT_CORE: 0,
}


def main() -> None:
    order = json.loads(sys.argv[1])
    orphans.follow(order["parent"], signal.SIGKILL)
    for limit, most in LIMITS.items():
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    folder = Path(order["folder"])
    content = json.loads((folder / "content.json").read_bytes())
    _shrink(folder)
    _write_html(folder, content)
    _write_pdf(folder, content, order["timestamp"])


def _shrink(folder: Path) -> None:
    """Make the photos in ``photos`` as large as they are shown."""
    pictures = sorted((folder / "photos").iterdir())
    most_px = next(px for most, px in SHOWN_PX if len(pictures) <= most)
    for picture in pictures:
        with Image.open(picture, formats=["JPEG"]) as image:
            image.draft("RGB", (most_px, most_px))
            image.thumbnail((most_px, most_px))
            image.convert("RGB").save(folder / picture.name, "JPEG", quality=JPEG_QUALITY, optimize=True)
        picture.unlink()


def _write_html(folder: Path, content: dict[str, Any]) -> None:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    templates.filters["photo"] = lambda name: _inside("image/jpeg", (folder / name).read_bytes())
    templates.filters["svg"] = lambda text: _inside("image/svg+xml", text.encode())
    with (folder / "report.html").open("w", encoding="utf-8") as file:
        file.writelines(templates.get_template("report.html").generate(report=content))


def _inside(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _write_pdf(folder: Path, content: dict[str, Any], timestamp: int) -> None:
    shutil.copy(HERE / "templates" / "report.typ", folder)
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[HERE / "fonts"])
    for alphabet in (ALPHABET, SIMPLE):
        (folder / "content.json").write_text(json.dumps(printable(content, alphabet)))
        compiler = typst.Compiler(folder / "report.typ", root=folder, font_paths=fonts, ignore_system_fonts=True)
        try:
            compiler.compile(output=folder / "report.pdf", format="pdf", pdf_standards=STANDARDS, timestamp=timestamp)  # type: ignore[arg-type]
            return
        except BaseException as error:  # a panic inside typst is no Exception
            print(f"{type(error).__name__}: {error}"[:LONGEST_COMPLAINT], file=sys.stderr)  # noqa: T201
            if alphabet is SIMPLE:
                sys.exit(os.EX_DATAERR)


if __name__ == "__main__":
    main()
