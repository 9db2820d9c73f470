"""A phone of an inspector: it keeps what the change feed told, sends what was written, and its photos."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from demo.bodies import photo_body
from demo.client import Body, Refused, Sum, Voice, at_once
from demo.photos import jpeg
from demo.visits import Photo, Visit
from demo.world import id_of

THERE = ("stored", "ready")
PIECES = 3
"""In which the first photo of a visit is sent, as if the connection broke twice."""


@dataclass(slots=True)
class Phone:
    """``held`` is what the feed brought, by kind and id."""

    voice: Voice
    held: dict[str, dict[str, Body]] = field(default_factory=dict)
    cursor: str | None = None

    def catch_up(self) -> None:
        more = True
        while more:
            since = {} if self.cursor is None else {"cursor": self.cursor}
            more = self.keep(self.voice.get("/changes", include="content", limit="500", **since))

    def keep(self, page: Body) -> bool:
        """Put what is there in the place of what there was, forget what is gone, and say whether there is more."""
        for item in page["items"]:
            of_kind = self.held.setdefault(item["kind"], {})
            if item["operation"] == "gone":
                of_kind.pop(item["subjectId"], None)
            else:
                of_kind[item["subjectId"]] = item["content"]
        self.cursor = page["next"]
        return bool(page["more"])

    def inspection(self, visit: Visit) -> Body:
        return self.held["inspection"][str(visit.id)]

    def edit(self, visit: Visit) -> Body:
        """What is sent of a visit: its document, on the version that the phone has. The id of the edit belongs to that."""
        version = self.inspection(visit)["version"]
        edit_id = str(id_of("edit", visit.id, version))
        return {"inspectionId": str(visit.id), "editId": edit_id, "baseVersion": version, "document": visit.document(), "submit": True}

    def send(self, edits: Sequence[Body]) -> list[Body]:
        """The result of each. Raises Refused when one is not applied and submitted."""
        if not edits:
            return []
        clock = {"Phone-Clock": datetime.now(UTC).isoformat(timespec="seconds")}
        results: list[Body] = self.voice.post("/sync", {"items": edits}, headers=clock)["results"]
        wrong = [result for result in results if not result["submitted"]]
        if wrong:
            faults = "; ".join(f"{fault['pointer']} {fault['detail']}" for result in wrong for fault in result["errors"])
            raise Refused("not-submitted", f"{wrong[0]['outcome']}: {faults or wrong[0]['code']}")
        return results

    def receipt(self, visit: Visit) -> Body:
        return self.voice.get(f"/inspections/{visit.id}/receipt")

    def send_photos(self, visit: Visit, photos: Sequence[Photo], *, later: Sequence[UUID] = ()) -> None:
        """All that have not arrived yet. What comes ``later`` is declared and not sent. Raises Refused."""
        arrived = {photo["id"] for photo in self.receipt(visit)["photos"] if photo["state"] in THERE}
        files = {str(photo.id): (photo, jpeg(photo.shot)) for photo in photos if str(photo.id) not in arrived}
        if not files:
            return
        items = [photo_body(visit, photo, sha256=hashlib.sha256(file).hexdigest(), size_bytes=len(file)) for photo, file in files.values()]
        declared = self.voice.post("/uploads/batch", {"items": items})
        refused = [fault for result in declared["results"] for fault in result["errors"]]
        if refused:
            raise Refused("photos-refused", "; ".join(f"{fault['pointer']} {fault['detail']}" for fault in refused))
        now = [result for result in declared["results"] if UUID(result["id"]) not in later]
        self._send_files(now, {id: file for id, (_, file) in files.items()})

    def _send_files(self, declared: Sequence[Body], files: Mapping[str, bytes]) -> None:
        in_pieces, *straight = [result for result in declared if result["state"] == "declared"] or [None]
        if in_pieces is not None:
            self.voice.send_in_pieces(in_pieces["id"], files[in_pieces["id"]], PIECES)
        at_once(lambda result: self._upload(result, files[result["id"]]), straight)
        if declared:
            self.voice.post("/uploads/complete", {"photoIds": [result["id"] for result in declared]})

    def _upload(self, result: Body, file: bytes) -> Sum:
        """Straight to the object store, with exactly the headers that were signed: length, type, sha256, If-None-Match."""
        if result["put"] is None:
            return Sum(unchanged=1)
        new = self.voice.register.put_bytes(result["put"]["url"], file, result["put"]["headers"])
        return Sum(created=1) if new else Sum(unchanged=1)
