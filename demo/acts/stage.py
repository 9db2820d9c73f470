"""Who and what there is before anything happens: municipalities, focus areas, organisations, people, schemes, projects."""

from demo.acts.people import admit
from demo.client import Register, Sum, at_once
from demo.screen import Screen
from demo.world import AREAS, MINISTRY, MUNICIPALITIES, ORGANISATIONS, PROJECTS, SCHEMES, Area, Municipality, Organisation, Project


def set_stage(register: Register, screen: Screen) -> None:
    administrator = register.speaking_as("administrator", MINISTRY.slug)

    def municipality(each: Municipality) -> Sum:
        return administrator.put_once(f"/municipalities/{each.code}", {"name": each.name, "province": each.province})

    def area(each: Area) -> Sum:
        return administrator.put_once(f"/focus-areas/{each.slug}", {"name": each.name, "municipalityCode": each.municipality})

    def organisation(each: Organisation) -> Sum:
        body = {"id": str(each.id), "slug": each.slug, "name": each.name, "kind": each.kind, "municipalityCode": each.municipality}
        return administrator.post_once("/organisations", body)

    def scheme(slug: str) -> Sum:
        return administrator.put_once(f"/schemes/{slug}", {"name": SCHEMES[slug]})

    def project(each: Project) -> Sum:
        owner = register.speaking_as("municipality-editor", each.owner)
        return owner.put_once(f"/projects/{each.slug}", {"name": each.name, "municipalityCode": each.municipality})

    screen.done("municipalities", at_once(municipality, MUNICIPALITIES))
    screen.done("focus areas", at_once(area, AREAS))
    screen.done("organisations, among them Weller Wonen and Wonen Limburg", at_once(organisation, ORGANISATIONS))
    screen.done(f"schemes: {', '.join(SCHEMES.values())}", at_once(scheme, SCHEMES))
    admit(register, screen)
    screen.done("projects", at_once(project, PROJECTS))
