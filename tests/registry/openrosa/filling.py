"""Filling in a form as ODK Collect does: from the form itself, and what stands in no place of it is left out."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lxml import etree

from registry.openrosa.xform import JAVAROSA, XFORMS

TEMPLATE = f"{{{JAVAROSA}}}template"


def x(name: str) -> str:
    return f"{{{XFORMS}}}{name}"


def filled(form: bytes, values: Mapping[str, str], *, instance_id: str = "uuid:1", repeats: Mapping[str, list[dict[str, str]]] | None = None) -> bytes:
    """The message that Collect would keep: ``values`` by path below ``data``; ``repeats`` by path, what each of them holds."""
    root = etree.fromstring(form)
    data = root.find(f".//{x('instance')}/{x('data')}")
    assert data is not None
    instance = deepcopy(data)
    for path, each in (repeats or {}).items():
        template = at(instance, path)
        for answers in each:
            copy = deepcopy(template)
            del copy.attrib[TEMPLATE]
            for name, value in answers.items():
                at(copy, name).text = value
            template.addprevious(copy)
    for template in instance.findall(f".//*[@{TEMPLATE}]"):
        template.getparent().remove(template)  # type: ignore[union-attr]
    for path, value in {**values, "meta/instanceID": instance_id}.items():
        at(instance, path).text = value
    etree.cleanup_namespaces(instance)
    return b"<?xml version='1.0' ?>" + etree.tostring(instance, encoding="UTF-8")


def at(root: Any, path: str) -> Any:
    found = root.find("/".join(x(name) for name in path.split("/")))
    assert found is not None, path
    return found


def bind(form: bytes, path: str) -> Mapping[str, str]:
    """The rules about one place, with the prefix jr where they have one."""
    for each in etree.fromstring(form).iter(x("bind")):
        if each.get("nodeset") == path:
            return {name.replace(f"{{{JAVAROSA}}}", "jr:"): value for name, value in each.attrib.items()}
    raise KeyError(path)
