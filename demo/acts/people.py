"""Who speaks in the demo: the administrator lets everybody in, each with a token of her own."""

from demo.client import Body, Refused, Register, Voice
from demo.screen import Screen
from demo.world import INSPECTION_BODY, INVENTED_CORPORATION, MINISTRY, MUNICIPALITIES, WELLER, WONEN_LIMBURG

ADMINISTRATOR = "administrator"
CORPORATIONS = (WELLER, WONEN_LIMBURG, INVENTED_CORPORATION)
PEOPLE = (
    ("ministry-analyst", MINISTRY.slug),
    ("ministry-auditor", MINISTRY.slug),
    ("reviewer", INSPECTION_BODY.slug),
    ("inspector", INSPECTION_BODY.slug),
    *(("corporation-editor", each.slug) for each in CORPORATIONS),
    *(("municipality-editor", each.slug) for each in MUNICIPALITIES),
)
"""Role and organisation of each."""
FIRST_DAY = "2023-01-01"


def admit_administrator(register: Register, code: str) -> None:
    """``code`` is the one-time enrolment code that `registry demo` made for the first administrator."""
    if register.tokens.get(ADMINISTRATOR, MINISTRY.slug) is None:
        _redeem(register, ADMINISTRATOR, MINISTRY.slug, code)


def admit(register: Register, screen: Screen) -> None:
    """Take on everybody who is not there yet, and give each a token."""
    administrator = register.speaking_as(ADMINISTRATOR, MINISTRY.slug)
    organisations = {each["slug"]: each["id"] for each in administrator.get("/organisations", limit="500")["items"]}
    new = [(role, slug) for role, slug in PEOPLE if register.tokens.get(role, slug) is None]
    with screen.progress("people let in", max(len(new), 1)) as advance:
        for role, slug in new:
            member = _member(administrator, role, organisations[slug], f"{role}@{slug}.example")
            code = administrator.post("/enrolments", {"memberId": member["id"], "name": "demo"})["code"]
            _redeem(register, role, slug, code)
            advance(1)
    screen.check(f"{len(PEOPLE)} people, each with a role in an organisation and a token of her own; {len(new)} of them new")


def _member(administrator: Voice, role: str, organisation_id: str, email: str) -> Body:
    members = administrator.get("/members", organisationId=organisation_id, role=role)["items"]
    known = next((member for member in members if member["email"] == email), None)
    if known is not None:
        return known
    body = {"email": email, "name": f"Voorbeeld {role}", "role": role, "validFrom": FIRST_DAY, "organisationId": organisation_id}
    return administrator.post("/members", body)


def _redeem(register: Register, role: str, slug: str, code: str) -> None:
    token = Voice(register, "").post("/tokens", {"code": code})["token"]
    if not token:
        raise Refused("no-token", f"no token for {role} of {slug}")
    register.tokens.keep(role, slug, token)
