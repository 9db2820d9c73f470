"""ODK Collect, as far as a server sees it: what it sends, in the words and the order in which it does (its `OkHttpConnection`).

A form and its photos are parts of multipart/form-data: first ``xml_submission_file``, then each file by its own name; when what is left would make the message
longer than the server wants, ``*isIncomplete*`` comes last and the same form follows with the other files. It signs in with HTTP Basic after a challenge.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any
from uuid import uuid4

from lxml import etree
from PIL import Image
from werkzeug.test import TestResponse

from tests.api.callers import Caller

CONTENT_LENGTH = 10_000_000
"""What Collect takes for the limit when the server says none."""
ENVELOPE = "{http://openrosa.org/http/response}"
LISTED = "{http://openrosa.org/xforms/xformsList}"
MANIFEST = "{http://openrosa.org/xforms/xformsManifest}"
DATE = "Sun, 01 Mar 2026 01:00:00 GMT"
"""Its clock has twelve hours: it writes one o'clock in the afternoon like this."""


def basic(caller: Caller, user: str = "inspecteur@example.nl") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{caller.token}'.encode()).decode()}"}


def headers(caller: Caller) -> dict[str, str]:
    agent = "org.odk.collect.android/v2025.3.1 Dalvik/2.1.0 (Linux; U; Android 14; Pixel 7)"
    return {**basic(caller), "User-Agent": agent, "X-OpenRosa-Version": "1.0", "Date": DATE, "Accept-Encoding": "gzip"}


def fetch(caller: Caller, address: str, **more: str) -> TestResponse:
    path = address[address.index("/v1/") :]
    return caller.client.get(path, headers={**headers(caller), **{name.replace("_", "-"): value for name, value in more.items()}})


def listed(caller: Caller, query: str = "deviceID=collect%3A1") -> list[dict[str, str]]:
    """The forms as Collect reads the list: anything missing and it shows none."""
    response = fetch(caller, f"/v1/openrosa/formList?{query}")
    assert response.status_code == 200, response.text
    assert "text/xml" in response.content_type
    assert response.headers["X-OpenRosa-Version"] == "1.0"
    root = etree.fromstring(response.data)
    assert root.tag == f"{LISTED}xforms"
    return [{child.tag.removeprefix(LISTED): child.text or "" for child in each} for each in root.iter(f"{LISTED}xform")]


def media(caller: Caller, form: dict[str, str]) -> list[dict[str, str]]:
    root = etree.fromstring(fetch(caller, form["manifestUrl"]).data)
    assert root.tag == f"{MANIFEST}manifest"
    return [{child.tag.removeprefix(MANIFEST): child.text or "" for child in each} for each in root.iter(f"{MANIFEST}mediaFile")]


def part(name: str, content: bytes, content_type: str | None, filename: str | None = None) -> bytes:
    """As OkHttp writes it."""
    lines = [f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")]
    lines += [f"Content-Type: {content_type}"] if content_type else []
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content + b"\r\n"


def message(parts: list[bytes], boundary: str | None = None) -> tuple[bytes, str]:
    boundary = boundary or str(uuid4())
    body = b"".join(f"--{boundary}\r\n".encode() + each for each in parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def messages(xml: bytes, files: Mapping[str, bytes], limit: int) -> Iterator[tuple[bytes, str]]:
    """The form with as many of the files as fit into each message; never fewer than one."""
    left = list(files.items())
    first = True
    while left or first:
        first, size = False, len(xml)
        parts = [part("xml_submission_file", xml, "text/xml", "Nulmeting_2026-03-01_10-11-12.xml")]
        while left:
            name, content = left.pop(0)
            parts.append(part(name, content, "image/jpeg", name))
            size += len(content)
            if left and size + len(left[0][1]) > limit:
                parts.append(part("*isIncomplete*", b"yes", None))
                break
        yield message(parts)


def post(caller: Caller, body: bytes, content_type: str, **more: Any) -> TestResponse:
    return caller.client.post("/v1/openrosa/submission?deviceID=collect%3A1", data=body, content_type=content_type, headers={**headers(caller), **more})


def send(caller: Caller, xml: bytes, files: Mapping[str, bytes] | None = None, *, limit: int = CONTENT_LENGTH, **more: str) -> TestResponse:
    """All messages until one is refused; the last answer."""
    for body, content_type in messages(xml, files or {}, limit):
        response = post(caller, body, content_type, **{name.replace("_", "-"): value for name, value in more.items()})
        if response.status_code not in (201, 202):
            return response
    return response


def said(response: TestResponse, status: int, nature: str = "") -> str:
    """The sentence that Collect shows."""
    assert response.status_code == status, response.text
    assert response.content_type == "text/xml; charset=utf-8"
    assert response.headers["X-OpenRosa-Version"] == "1.0"
    assert int(response.headers["X-OpenRosa-Accept-Content-Length"]) > 0
    root = etree.fromstring(response.data)
    found = root.find(f"{ENVELOPE}message")
    assert root.tag == f"{ENVELOPE}OpenRosaResponse"
    assert found is not None
    assert found.get("nature") == (nature or ("submit_success" if status < 400 else "submit_error"))
    return found.text or ""


def a_picture(colour: str = "green", size: tuple[int, int] = (64, 48)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()
