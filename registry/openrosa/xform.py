"""A checklist as an XForm for ODK Collect and Enketo. Pure.

What is filled in with it is read by `submission.py`. A form has the shape that pyxform gives to forms, because that is what those clients see every day.
"""

from typing import Final

from lxml import etree

from registry.checklists.questions import QuestionType
from registry.checklists.rules import LONGEST_TEXT
from registry.inspections.model import VisitOutcome
from registry.nen2767.answers import LONGEST_DESCRIPTION, MOST_DEFECTS
from registry.openrosa import words, xpath
from registry.openrosa.outline import DEFECT_PLACES, Asked, Option, Outline, Section, Texts
from registry.openrosa.words import LANGUAGES, WORDS

GENERATION: Final = "1"
"""The version of a form: it goes up when the same checklist gives another form. Its checklist never changes."""
XFORMS: Final = "http://www.w3.org/2002/xforms"
XHTML: Final = "http://www.w3.org/1999/xhtml"
JAVAROSA: Final = "http://openrosa.org/javarosa"
_NAMESPACES: Final = {None: XFORMS, "h": XHTML, "jr": JAVAROSA, "orx": "http://openrosa.org/xforms", "xsd": "http://www.w3.org/2001/XMLSchema"}
_TYPES: Final = {QuestionType.DATE: "date", QuestionType.NUMBER: "decimal"}
_CHOOSERS: Final = {QuestionType.CHOICE: "select1", QuestionType.YES_NO: "select1", QuestionType.SEVERAL: "select"}


def xform(outline: Outline) -> bytes:
    """The form, as XML in UTF-8."""
    form = _Form(outline)
    _visit(form)
    for section in outline.sections:
        _section(form, section)
    _closing(form)
    return form.written()


class _Form:
    """A form in the making: what is filled in, rules about it (binds), texts and controls."""

    def __init__(self, outline: Outline) -> None:
        self.among = {asked.key: asked for asked in outline.questions}
        self._root = etree.Element(f"{{{XHTML}}}html", nsmap=_NAMESPACES)
        head = etree.SubElement(self._root, f"{{{XHTML}}}head")
        etree.SubElement(head, f"{{{XHTML}}}title").text = outline.title["nl"]
        self._model = etree.SubElement(head, _x("model"), {"{http://www.opendatakit.org/xforms}xforms-version": "1.0.0"})
        self._itext = etree.SubElement(self._model, _x("itext"))
        self._translations = [etree.SubElement(self._itext, _x("translation"), lang=name) for name in LANGUAGES.values()]
        self._translations[0].set("default", "true()")
        instance = etree.SubElement(self._model, _x("instance"))
        self.data = etree.SubElement(instance, _x("data"), id=outline.form_id, version=GENERATION)
        etree.SubElement(self._model, _x("instance"), id=xpath.INSPECTIONS, src=f"jr://file-csv/{xpath.INSPECTIONS}.csv")
        self.body = etree.SubElement(self._root, f"{{{XHTML}}}body")

    def written(self) -> bytes:
        return etree.tostring(self._root, xml_declaration=True, encoding="UTF-8")

    def place(self, path: str) -> etree._Element:
        """The element at an absolute path of what is filled in, made when it is not there."""
        here = self.data
        for name in path.split("/")[2:]:
            found = here.find(_x(name))
            here = etree.SubElement(here, _x(name)) if found is None else found
        return here

    def bind(self, path: str, *, type: str | None = None, message: str | None = None, **rules: str | None) -> None:
        """``message`` is the id of the text that says what the constraint is."""
        self.place(path)
        given = {"nodeset": path, "type": type} | rules
        bind = etree.SubElement(self._model, _x("bind"), {name: value for name, value in given.items() if value is not None})
        if message is not None:
            bind.set(_jr("constraintMsg"), f"jr:itext('{message}')")

    def preload(self, path: str, kind: str, what: str | None = None, **rules: str) -> None:
        self.bind(path, **rules)
        bind = self._model[-1]
        bind.set(_jr("preload"), kind)
        if what is not None:
            bind.set(_jr("preloadParams"), what)

    def say(self, id: str, texts: Texts) -> str:
        for translation, language in zip(self._translations, LANGUAGES, strict=True):
            text = etree.SubElement(translation, _x("text"), id=id)
            etree.SubElement(text, _x("value")).text = texts[language]
        return id

    def label(self, parent: etree._Element, id: str, texts: Texts, tag: str = "label") -> None:
        etree.SubElement(parent, _x(tag), ref=f"jr:itext('{self.say(id, texts)}')")

    def control(self, parent: etree._Element, tag: str, path: str, texts: Texts, *, hint: Texts | None = None, **attributes: str) -> etree._Element:
        control = etree.SubElement(parent, _x(tag), {"ref": path} | attributes)
        self.label(control, f"{path}:label", texts)
        if hint is not None:
            self.label(control, f"{path}:hint", hint, "hint")
        return control

    def choice(self, parent: etree._Element, path: str, texts: Texts, options: tuple[Option, ...], *, tag: str = "select1", hint: Texts | None = None) -> None:
        control = self.control(parent, tag, path, texts, hint=hint)
        for place, option in enumerate(options):
            item = etree.SubElement(control, _x("item"))
            self.label(item, f"{path}/{place}:label", option.text)
            etree.SubElement(item, _x("value")).text = option.key

    def group(self, parent: etree._Element, path: str, texts: Texts | None, **attributes: str) -> etree._Element:
        group = etree.SubElement(parent, _x("group"), {"ref": path} | attributes)
        if texts is not None:
            self.label(group, f"{path}:label", texts)
        return group


def _x(name: str) -> str:
    return f"{{{XFORMS}}}{name}"


def _jr(name: str) -> str:
    return f"{{{JAVAROSA}}}{name}"


def _visit(form: _Form) -> None:
    """Which inspection it is, what is known of it, and whether anybody was let in."""
    group = form.group(form.body, "/data/visit", WORDS["visit"])
    control = form.control(group, "select1", xpath.INSPECTION, WORDS["inspection"], hint=WORDS["inspection-hint"], appearance="minimal")
    itemset = etree.SubElement(control, _x("itemset"), nodeset=xpath.ROWS)
    etree.SubElement(itemset, _x("value"), ref="name")
    etree.SubElement(itemset, _x("label"), ref="label")
    form.bind(xpath.INSPECTION, type="string", required="true()")
    for known in ("hazards", "note"):
        path, value = f"/data/visit/{known}", f"{xpath.OF_INSPECTION}/{known}"
        form.control(group, "input", path, WORDS[known])
        form.bind(path, type="string", readonly="true()", calculate=value, relevant=f"{value} != ''")
    outcomes = tuple(Option(outcome.value, words.OUTCOMES[outcome]) for outcome in VisitOutcome)
    form.choice(group, xpath.OUTCOME, WORDS["outcome"], outcomes)
    form.bind(xpath.OUTCOME, type="string", required="true()")
    form.bind("/data/visit/base-version", type="string", calculate=f"{xpath.OF_INSPECTION}/version")
    form.preload("/data/visit/started-at", "timestamp", "start", type="dateTime")


def _section(form: _Form, section: Section) -> None:
    path = f"/data/answers/{section.name}"
    group = form.group(form.body, path, section.title)
    form.bind(path, relevant=xpath.IS_DONE)
    if section.about is not None:
        form.control(group, "input", f"{path}/_about", section.about)
        form.bind(f"{path}/_about", type="string", readonly="true()")
    for asked in section.questions:
        _question(form, group, asked)


def _question(form: _Form, section: etree._Element, asked: Asked) -> None:
    """The question, and below it the pictures, on one screen."""
    path, type = xpath.path(asked), asked.question.type
    relevant = xpath.relevant(asked, form.among)
    if type is QuestionType.CONDITION:
        group = form.group(section, path, asked.text)
        _condition(form, group, asked)
    else:
        group = form.group(section, path, None, appearance="field-list")
        if type is not QuestionType.PHOTO:
            _answer(form, group, asked)
    form.bind(path, relevant=relevant)
    _pictures(form, group, asked)


def _answer(form: _Form, group: etree._Element, asked: Asked) -> None:
    path, question = xpath.path(asked, "answer"), asked.question
    required = "true()" if question.required else None
    text = asked.text if asked.unit is None else {language: f"{text} ({asked.unit})" for language, text in asked.text.items()}
    if question.type in _CHOOSERS:
        form.choice(group, path, text, asked.options, tag=_CHOOSERS[question.type], hint=asked.hint)
        form.bind(path, type="string", required=required)
        _advice(form, group, asked)
        return
    appearance = {"appearance": "multiline"} if question.type is QuestionType.TEXT else {}
    form.control(group, "input", path, text, hint=asked.hint, **appearance)
    kind = "int" if question.decimals == 0 and question.type is QuestionType.NUMBER else _TYPES.get(question.type, "string")
    constraint, says = _constraint(asked)
    message = None if says is None else form.say(f"{path}:constraint", says)
    form.bind(path, type=kind, required=required, constraint=constraint, message=message)


def _constraint(asked: Asked) -> tuple[str | None, Texts | None]:
    question = asked.question
    if question.type is QuestionType.TEXT:
        return f"string-length(.) <= {LONGEST_TEXT}", words.filled("too-long", most=LONGEST_TEXT)
    if question.type is not QuestionType.NUMBER:
        return None, None
    low, high, decimals = question.minimum, question.maximum, question.decimals
    parts = [f". {sign} {xpath.number(bound)}" for sign, bound in ((">=", low), ("<=", high)) if bound is not None]
    if decimals:
        parts.append(f". = round(. * {10**decimals}) div {10**decimals}")
    says = words.filled("range", low="…" if low is None else f"{low:g}", high="…" if high is None else f"{high:g}", decimals=decimals or 0)
    return (" and ".join(parts), says) if parts else (None, None)


def _advice(form: _Form, group: etree._Element, asked: Asked) -> None:
    """What to do with an answer, below the question when it is chosen."""
    for place, option in enumerate(asked.options):
        if option.advice is not None:
            path = xpath.path(asked, f"advice-{place + 1}")
            form.control(group, "input", path, option.advice)
            form.bind(path, type="string", readonly="true()", relevant=f"selected({xpath.path(asked, 'answer')}, '{option.key}')")


def _pictures(form: _Form, group: etree._Element, asked: Asked) -> None:
    """A place for each picture that a rule demands, and further ones that appear when the one before is used."""
    is_photo = asked.question.type is QuestionType.PHOTO
    for place in range(1, asked.places + 1):
        path, demanded = xpath.path(asked, f"photo-{place}"), xpath.demanded(asked, place)
        first = "true()" if is_photo else None
        used = f"{xpath.path(asked, f'photo-{place - 1}')} != ''" if place > 1 else first
        shown = " or ".join(each for each in (demanded, used) if each is not None)
        text = asked.text if is_photo and place == 1 else words.filled("photo", number=place)
        form.control(group, "upload", path, text, hint=asked.hint if is_photo and place == 1 else None, mediatype="image/*")
        form.bind(path, type="binary", relevant=None if "true()" in (shown, used) else shown, required=demanded)


def _condition(form: _Form, group: etree._Element, asked: Asked) -> None:
    """Whether there is anything wrong with the element, and if so as many defects as the inspector counts."""
    path = xpath.path(asked)
    is_wrong = f"{path}/state = 'defects'"
    form.choice(group, f"{path}/state", asked.text, words.STATES, hint=asked.hint)
    form.bind(f"{path}/state", type="string", required="true()" if asked.question.required else None)
    form.control(group, "input", f"{path}/count", WORDS["count"])
    message = form.say(f"{path}/count:constraint", words.filled("count-range", most=MOST_DEFECTS))
    form.bind(f"{path}/count", type="int", required="true()", relevant=is_wrong, constraint=f". >= 1 and . <= {MOST_DEFECTS}", message=message)
    outer = form.group(group, f"{path}/defect", WORDS["defect"])
    repeat = etree.SubElement(outer, _x("repeat"), {"nodeset": f"{path}/defect", _jr("count"): f"{path}/count", _jr("noAddRemove"): "true()"})
    _defect(form, repeat, asked)
    form.place(f"{path}/defect").set(_jr("template"), "")
    form.bind(f"{path}/defect", relevant=is_wrong)
    form.bind(f"{path}/total", type="decimal", calculate=f"sum({path}/defect/extent)", relevant=is_wrong)
    form.control(group, "input", f"{path}/too-much", WORDS["too-much"])
    message = form.say(f"{path}/too-much:constraint", WORDS["too-much"])
    # Nothing can be answered to it, so the form can't be finished before the extents fit.
    form.bind(f"{path}/too-much", type="string", relevant=f"{is_wrong} and {path}/total > 100.000001", required="true()", constraint="false()", message=message)


def _defect(form: _Form, repeat: etree._Element, asked: Asked) -> None:
    path = xpath.path(asked, "defect")
    if asked.defects:
        form.choice(repeat, f"{path}/kind", WORDS["kind"], (*asked.defects, words.OTHER_DEFECT))
        form.bind(f"{path}/kind", type="string", required="true()")
    form.control(repeat, "input", f"{path}/description", WORDS["description"], appearance="multiline")
    message = form.say(f"{path}/description:constraint", words.filled("too-long", most=LONGEST_DESCRIPTION))
    form.bind(f"{path}/description", type="string", constraint=f"string-length(.) <= {LONGEST_DESCRIPTION}", message=message)
    for name, options in (("severity", words.SEVERITIES), ("intensity", words.INTENSITIES)):
        form.choice(repeat, f"{path}/{name}", WORDS[name], options)
        form.bind(f"{path}/{name}", type="string", required="true()")
    form.control(repeat, "input", f"{path}/extent", WORDS["extent"])
    message = form.say(f"{path}/extent:constraint", WORDS["extent-range"])
    form.bind(f"{path}/extent", type="decimal", required="true()", constraint=". > 0 and . <= 100", message=message)
    for place in range(1, max(DEFECT_PLACES, asked.question.photos_per_defect) + 1):
        form.control(repeat, "upload", f"{path}/photo-{place}", words.filled("photo", number=place), mediatype="image/*")
        demanded = place <= asked.question.photos_per_defect
        used = None if demanded or place == 1 else f"{path}/photo-{place - 1} != ''"
        form.bind(f"{path}/photo-{place}", type="binary", required="true()" if demanded else None, relevant=used)


def _closing(form: _Form) -> None:
    group = form.group(form.body, "/data/closing", WORDS["closing"])
    form.control(group, "input", "/data/closing/remarks", WORDS["remarks"], appearance="multiline")
    message = form.say("/data/closing/remarks:constraint", words.filled("too-long", most=LONGEST_TEXT))
    form.bind("/data/closing/remarks", type="string", constraint=f"string-length(.) <= {LONGEST_TEXT}", message=message)
    form.preload("/data/meta/instanceID", "uid", type="string", readonly="true()")
    form.bind("/data/meta/instanceName", type="string", calculate=f"{xpath.OF_INSPECTION}/label")
