"""Whatever is wrong with a file: a clear error with its code, and the register as it was."""

import contextlib
import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.imports.bag import archive
from registry.imports.bag import xml as bag_xml
from registry.imports.bag.commands import import_extract
from registry.imports.bag.model import BagFileError

from .bag_extracts import DAY, an_extract, num, opr, part_zip, standing, vbo, zipped

VBO_ZIP = f"0457VBO{DAY}.zip"
VBO_XML = f"0457VBO{DAY}-000001.xml"
GEM_ZIP = f"0457GEM{DAY}.zip"
BILLION_LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
EXTERNAL_ENTITY = '<?xml version="1.0"?><!-- hello -->\n<!DOCTYPE l SYSTEM "file:///etc/passwd">'


@pytest.fixture
def register(bag_connection: psycopg.Connection, tmp_path: Path) -> Iterator[psycopg.Connection]:
    """A register with one dwelling in it, which must be the same afterwards."""
    _import(bag_connection, an_extract(tmp_path / "before.zip"))
    before = bag_connection.execute("SELECT * FROM dwelling").fetchall()
    yield bag_connection
    assert bag_connection.execute("SELECT * FROM dwelling").fetchall() == before
    assert len(before) == 1


def _import(connection: psycopg.Connection, path: Path) -> None:
    import_extract(connection, path, municipality_name=lambda code: None, progress=lambda progress: None)


def _refusal(connection: psycopg.Connection, path: Path) -> BagFileError:
    with pytest.raises(BagFileError) as caught:
        _import(connection, path)
    assert str(caught.value).isprintable()
    return caught.value


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"", b"PK", b"<html>not here</html>", b"\x00" * 5000])
def test_a_file_that_is_no_zip(register: psycopg.Connection, tmp_path: Path, content: bytes) -> None:
    assert _refusal(register, _written(tmp_path / "x.zip", content)).code == "not-a-zip"


def test_a_file_that_is_not_there_or_is_a_folder(register: psycopg.Connection, tmp_path: Path) -> None:
    assert _refusal(register, tmp_path / "none.zip").code == "file-unreadable"
    assert _refusal(register, tmp_path).code == "file-unreadable"


@pytest.mark.parametrize("content", [{"photo.jpg": b"\xff\xd8"}, {}, {"word/document.xml": b"<a/>"}, {"inner.zip": zipped({"a.txt": b""})}])
def test_a_zip_of_something_else(register: psycopg.Connection, tmp_path: Path, content: dict[str, bytes | str]) -> None:
    assert _refusal(register, _written(tmp_path / "x.zip", zipped(content))).code == "bag-nothing-found"


@pytest.mark.parametrize("part", ["VBO", "NUM", "OPR", "WPL", "PND", "GEM-WPL"])
def test_a_missing_part_is_named(register: psycopg.Connection, tmp_path: Path, part: str) -> None:
    refusal = _refusal(register, an_extract(tmp_path / "x.zip", without=[part], VBO=[vbo(area=99)]))
    assert (refusal.code, refusal.facts["parts"]) == ("bag-part-missing", part)


@pytest.mark.parametrize("thousandth", [*range(3, 1000, 37), 999])
def test_a_file_cut_off_anywhere(register: psycopg.Connection, tmp_path: Path, thousandth: int) -> None:
    whole = an_extract(tmp_path / "whole.zip", VBO=[vbo(area=99)]).read_bytes()
    refusal = _refusal(register, _written(tmp_path / "x.zip", whole[: len(whole) * thousandth // 1000]))
    assert refusal.code == "zip-truncated"


@pytest.mark.parametrize("cut", range(1, 23))
def test_a_file_cut_off_within_its_last_record(register: psycopg.Connection, tmp_path: Path, cut: int) -> None:
    whole = an_extract(tmp_path / "whole.zip").read_bytes()
    assert _refusal(register, _written(tmp_path / "x.zip", whole[:-cut])).code == "zip-truncated"


def test_a_file_cut_off_where_an_inner_zip_happens_to_end(register: psycopg.Connection, tmp_path: Path) -> None:
    inner = zipped(dict([part_zip("VBO", standing([vbo()]))]))
    outer = zipped({GEM_ZIP: inner}, zipfile.ZIP_STORED)
    assert _refusal(register, _written(tmp_path / "x.zip", outer[: outer.index(inner) + len(inner)])).code == "zip-truncated"


def test_an_inner_zip_that_is_cut_off(register: psycopg.Connection, tmp_path: Path) -> None:
    name, content = part_zip("VBO", standing([vbo()]))
    outer = zipped({GEM_ZIP: zipped({name: content[: len(content) // 2]})})
    refusal = _refusal(register, _written(tmp_path / "x.zip", outer))
    assert (refusal.code, refusal.facts["member"]) == ("zip-truncated", f"x.zip/{GEM_ZIP}/{VBO_ZIP}")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_never_gives_another_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = bytearray(an_extract(tmp_path / "whole.zip").read_bytes())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(BagFileError):
        for file in archive.part_files(_written(tmp_path / "x.zip", bytes(whole)), lambda done: None):
            while file.stream.read(1000):
                pass


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("member", ["README.md", f"GEM-WPL-RELATIE-{DAY}.zip"])
def test_a_wrong_checksum_in_any_member(register: psycopg.Connection, tmp_path: Path, member: str, method: int) -> None:
    good = an_extract(tmp_path / "good.zip", VBO=[vbo(area=99)])
    with zipfile.ZipFile(good) as opened:
        whole = bytearray(zipped({name: opened.read(name) for name in opened.namelist()}, method))
    # The CRC of the central directory, of which the entry has the last occurrence of the name.
    entry = whole.rindex(member.encode()) - 46
    whole[entry + 16] ^= 0xFF
    assert _refusal(register, _written(tmp_path / "x.zip", bytes(whole))).code == "zip-damaged"


@pytest.mark.parametrize("name", ["../0457VBO15102021-000001.xml", "/etc/cron.d/x", "C:\\x.xml", "a/../../x.zip", "..\\x.xml"])
@pytest.mark.parametrize("deep", [False, True])
def test_a_hostile_name(register: psycopg.Connection, tmp_path: Path, name: str, deep: bool) -> None:
    hostile = zipped({name: b"<a/>"})
    refusal = _refusal(register, _written(tmp_path / "x.zip", zipped({GEM_ZIP: hostile}) if deep else hostile))
    assert refusal.code == "zip-hostile-name"
    assert {path.name for path in tmp_path.iterdir()} == {"before.zip", "x.zip"}


def test_a_name_with_terminal_codes_is_escaped_in_the_message(register: psycopg.Connection, tmp_path: Path) -> None:
    refusal = _refusal(register, _written(tmp_path / "x.zip", zipped({"\x1b[2Jgone": b""})))
    assert refusal.code == "zip-hostile-name"
    assert "\\x1b" in str(refusal)


def test_two_members_with_one_name(register: psycopg.Connection, tmp_path: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as opened:
        opened.writestr("a.txt", "1")
        with pytest.warns(UserWarning, match="Duplicate"):
            opened.writestr("a.txt", "2")
    assert _refusal(register, _written(tmp_path / "x.zip", memory.getvalue())).code == "zip-duplicate-name"


def test_a_member_with_a_password(register: psycopg.Connection, tmp_path: Path) -> None:
    whole = bytearray(an_extract(tmp_path / "good.zip").read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    assert _refusal(register, _written(tmp_path / "x.zip", bytes(whole))).code == "zip-encrypted"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_kadaster_does_not_use(register: psycopg.Connection, tmp_path: Path, method: int) -> None:
    assert _refusal(register, _written(tmp_path / "x.zip", zipped({VBO_XML: "x"}, method))).code == "zip-method-refused"


@pytest.mark.parametrize(("name", "depth"), [(VBO_ZIP, 0), (VBO_ZIP, 1), ("README.md", 0), ("README.md", 1), ("README.md", 2)])
def test_a_bomb_is_stopped_by_its_ratio(register: psycopg.Connection, tmp_path: Path, name: str, depth: int) -> None:
    bomb = zipped({name: b" " * 5_000_000})
    for _ in range(depth):
        bomb = zipped({GEM_ZIP: bomb})
    assert _refusal(register, _written(tmp_path / "x.zip", bomb)).code == "zip-bomb"


def test_a_bomb_of_many_small_members_is_stopped_by_the_ratio_to_the_whole_file(
    register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "RATIO_FREE_BYTES", 2**14)
    monkeypatch.setattr(archive, "MAX_MEMBER_RATIO", 2000)
    packed = zipped({f"{number}.txt": b" " * 1_000_000 for number in range(50)})
    assert _refusal(register, _written(tmp_path / "x.zip", zipped({GEM_ZIP: packed}))).code == "zip-bomb"


def test_endless_white_space_before_the_root_element(register: psycopg.Connection, tmp_path: Path) -> None:
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": b" " * 900_000})).code == "xml-malformed"


def test_a_bomb_whose_header_lies_about_its_size(register: psycopg.Connection, tmp_path: Path) -> None:
    bomb = bytearray(zipped({"README.md": b" " * 5_000_000}))
    for header, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", bomb, bomb.index(header) + offset, 1000)
    assert _refusal(register, _written(tmp_path / "x.zip", bytes(bomb))).code == "zip-damaged"


def test_a_header_that_promises_more_than_there_is(register: psycopg.Connection, tmp_path: Path) -> None:
    whole = bytearray(zipped({"README.md": b"short"}))
    struct.pack_into("<L", whole, whole.index(b"PK\x01\x02") + 24, 4000)
    assert _refusal(register, _written(tmp_path / "x.zip", bytes(whole))).code == "zip-damaged"


def test_members_that_share_their_bytes(register: psycopg.Connection, tmp_path: Path) -> None:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as opened:
        opened.writestr("a.txt", "1" * 100)
        opened.writestr("b.txt", "1" * 100)
        opened.infolist()[1].header_offset = 0
    assert _refusal(register, _written(tmp_path / "x.zip", memory.getvalue())).code == "zip-bomb"


def test_a_central_directory_larger_than_memory(register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_CENTRAL_DIRECTORY_BYTES", 70_000)
    path = _written(tmp_path / "x.zip", zipped({f"{number}.txt": b"" for number in range(2000)}))
    assert _refusal(register, path).code == "zip-bomb"


def test_the_total_is_limited(register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = an_extract(tmp_path / "x.zip", VBO=[vbo(area=99)])
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 3000)
    assert _refusal(register, path).code == "zip-bomb"


def test_the_size_of_an_inner_zip_on_disk_is_limited(register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = an_extract(tmp_path / "x.zip", VBO=[vbo(area=99)])
    monkeypatch.setattr(archive, "MAX_SPOOLED_BYTES", 1000)
    assert _refusal(register, path).code == "zip-bomb"


def test_the_number_of_members_is_limited(register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = an_extract(tmp_path / "x.zip", VBO=[vbo(area=99)])
    monkeypatch.setattr(archive, "MAX_MEMBERS", 5)
    assert _refusal(register, path).code == "zip-too-many-members"


def test_an_extract_packed_again_is_too_deep(register: psycopg.Connection, tmp_path: Path) -> None:
    inside = an_extract(tmp_path / "good.zip", VBO=[vbo(area=99)]).read_bytes()
    assert _refusal(register, _written(tmp_path / "x.zip", zipped({"BAGGEM0457L-15102021.zip": inside}))).code == "zip-too-deep"


@pytest.mark.parametrize("prolog", [BILLION_LAUGHS, EXTERNAL_ENTITY, "<!DOCTYPE x>", "\ufeff<!-- a --> <!DOCTYPE x []>"])
@pytest.mark.parametrize("part", ["VBO", "PND"])
def test_a_document_type_is_refused(register: psycopg.Connection, tmp_path: Path, prolog: str, part: str) -> None:
    document = standing([vbo(area=99)] if part == "VBO" else [], prolog=prolog)
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={part: document})).code == "xml-doctype-refused"


def test_a_document_type_behind_a_long_comment_is_refused_too(register: psycopg.Connection, tmp_path: Path) -> None:
    prolog = f"<!-- {'long ' * 16_000} --><!DOCTYPE x>"
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": standing([], prolog=prolog)})).code == "xml-doctype-refused"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_an_encoding_that_could_hide_a_document_type(register: psycopg.Connection, tmp_path: Path, encoding: str) -> None:
    document = standing([vbo()], prolog=BILLION_LAUGHS).encode(encoding)
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": document})).code == "xml-encoding-refused"


def test_an_encoding_other_than_declared_by_kadaster(register: psycopg.Connection, tmp_path: Path) -> None:
    document = standing([vbo()], prolog='<?xml version="1.0" encoding="UTF-7"?>')
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": document})).code == "xml-encoding-refused"


@pytest.mark.parametrize(
    "document",
    [
        standing([vbo(), vbo("0457010000000002")])[:-200],
        standing(["<unclosed>"]),
        standing(["&unknown;"]),
        standing([vbo()]) + "<second/>",
        standing([vbo()]).replace("woonfunctie", "woon\x01functie"),
        standing([vbo()]).encode().replace(b"woonfunctie", b"woon\xfffunctie"),
        "",
        "text only",
        "<!-- no end",
    ],
)
def test_xml_that_is_not_well_formed(register: psycopg.Connection, tmp_path: Path, document: str | bytes) -> None:
    refusal = _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": document}))
    assert refusal.code == "xml-malformed"
    assert VBO_XML in str(refusal)


@pytest.mark.parametrize("document", ["<a/>", '<bagMutaties xmlns="www.kadaster.nl/mutaties"/>', "<bagStand><Verblijfsobject/></bagStand>"])
def test_xml_of_something_else(register: psycopg.Connection, tmp_path: Path, document: str) -> None:
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"NUM": document})).code == "xml-unexpected-root"


def test_xml_that_never_completes_an_object(register: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag_xml, "MAX_OBJECT_BYTES", 200_000)
    document = standing(["".join(f"<x{number}/>" for number in range(40_000))])
    assert _refusal(register, an_extract(tmp_path / "x.zip", xml={"VBO": document})).code == "xml-object-too-large"


@pytest.mark.parametrize(
    ("objects", "field"),
    [
        ({"VBO": [vbo("045701000000000")]}, "id"),
        ({"VBO": [vbo("0457010000000001'; DROP")]}, "id"),
        ({"VBO": [vbo(status="Verblijfsobject verdwenen")]}, "status"),
        ({"VBO": [vbo(uses=["zwemfunctie"])]}, "gebruiksdoel"),
        ({"VBO": [vbo(area="0")]}, "floor_area_m2"),
        ({"VBO": [vbo(area="1" * 20)]}, "floor_area_m2"),
        ({"VBO": [vbo(geometry="<Objecten:punt/>")]}, "geometrie"),
        ({"VBO": [vbo(address="")]}, "main_address"),
        ({"NUM": [num(number="1e3")]}, "house_number"),
        ({"NUM": [num(number=100_000)]}, "house_number"),
        ({"NUM": [num(postcode="1398 PN")]}, "postcode"),
        ({"NUM": [num(letter="bb")]}, "house_letter"),
        ({"NUM": [num(suffix="12345")]}, "suffix"),
        ({"OPR": [opr(name="x" * 81)]}, "name"),
        ({"OPR": [opr(town="12")]}, "town"),
    ],
)
def test_a_value_that_the_bag_does_not_allow(register: psycopg.Connection, tmp_path: Path, objects: dict[str, list[str]], field: str) -> None:
    refusal = _refusal(register, an_extract(tmp_path / "x.zip", parts=objects))
    assert (refusal.code, refusal.facts["field"]) == ("bag-value-invalid", field)
