"""What inspectors find: the answers to the baseline and the completion checklist, how many photos these demand, and what a photo shows."""

from collections.abc import Mapping

Answer = str | list[str] | float | dict[str, object]


def _defect(key: str, defect: str, severity: str, intensity: str, percent: float) -> dict[str, object]:
    """One defect of a part; its key in the answer is what a photo refers to."""
    return {"key": key, "defect": defect, "severity": severity, "intensity": intensity, "extentPercent": percent}


def rotten(percent: float) -> dict[str, object]:
    """Frames with wood rot in this part of them."""
    return {"defects": [_defect("rot", "wood-rot", "critical", "advanced", percent)]}


SOUND: dict[str, object] = {"defects": []}
VERY_BAD: Mapping[str, Answer] = {
    "occupancy": "vacant",
    "acute-danger": "no",
    "smoke-alarms": "no",
    "escape-route": "yes",
    "mould": "widespread",
    "mould-rooms": ["living-room", "bedroom", "bathroom"],
    "relative-humidity": 84,
    "rising-damp": "yes",
    "roof-vegetation": "trees",
    "roof-leak": "no",
    "roof-condition": {
        "defects": [_defect("trees", "overgrown", "critical", "advanced", 35), _defect("tiles", "missing-tiles", "critical", "advanced", 12.5)],
    },
    "gutters-condition": {"defects": [_defect("gutter", "gutter-missing", "critical", "final", 40)]},
    "foundation-cracks": "wide",
    "crack-width": 7.5,
    "foundation-condition": SOUND,
    "facade-condition": {"defects": [_defect("pointing", "pointing", "serious", "final", 45)]},
    "glazing": "single",
    "windows-condition": rotten(25),
    "heating": "none",
    "gas-installation": "yes",
    "gas-smell": "no",
    "gas-condition": SOUND,
    "electrics-safe": "no",
    "electrics-condition": {"defects": [_defect("wiring", "old-wiring", "serious", "final", 80)]},
    "ventilation": "natural",
    "ventilation-condition": SOUND,
    "roof-insulation": "none",
    "facade-insulation": "none",
    "floor-insulation": "unknown",
    "asbestos-suspected": "no",
    "overall-remarks": "Zeer slechte staat: schimmel in alle slaapkamers, berken op het dak, geen cv-ketel.",
}
DEMANDED = {
    "mould": 3,
    "rising-damp": 1,
    "roof-vegetation": 1,
    "roof-condition/trees": 1,
    "roof-condition/tiles": 1,
    "gutters-condition/gutter": 1,
    "foundation-cracks": 1,
    "facade-condition/pointing": 1,
    "windows-condition/rot": 1,
    "heating": 1,
    "electrics-safe": 1,
    "electrics-condition/wiring": 1,
    "overall-photo": 1,
}
"""How many photos the checklist wants with `VERY_BAD`: by question, and by defect where one of its defects is meant."""

RENOVATED: Mapping[str, Answer] = {
    "work-done": ["roof", "facade", "windows", "insulation", "heating", "ventilation", "electrics"],
    "work-complete": "yes",
    "damage": "no",
    "occupancy": "vacant",
    "acute-danger": "no",
    "smoke-alarms": "yes",
    "mould": "none",
    "relative-humidity": 52,
    "rising-damp": "no",
    "roof-vegetation": "none",
    "roof-leak": "no",
    "roof-condition": SOUND,
    "gutters-condition": SOUND,
    "foundation-cracks": "hairline",
    "foundation-condition": SOUND,
    "facade-condition": {"defects": [_defect("pointing", "pointing", "serious", "early", 5)]},
    "glazing": "high-efficiency",
    "windows-condition": SOUND,
    "heating": "heat-pump",
    "heating-condition": SOUND,
    "gas-installation": "no",
    "electrics-safe": "yes",
    "electrics-condition": SOUND,
    "ventilation": "mechanical",
    "ventilation-condition": SOUND,
    "roof-insulation": "fully",
    "facade-insulation": "fully",
    "floor-insulation": "partly",
    "asbestos-suspected": "no",
    "overall-remarks": "Opgeleverd. Een klein stuk voegwerk aan de achterkant wordt nog nagelopen.",
}
DEMANDED_AFTER = {
    "mould": 1,
    "roof-vegetation": 1,
    "roof-condition": 1,
    "facade-condition": 1,
    "facade-condition/pointing": 1,
    "heating": 1,
    "overall-photo": 1,
}
"""The same with the completion checklist and `RENOVATED`."""

SEEN = {
    "mould": ("mouldy-wall", "Schimmel op de buitenmuur"),
    "rising-damp": ("mouldy-wall", "Vocht in de muur"),
    "roof-vegetation": ("overgrown-roof", "Bomen op het dak"),
    "roof-condition": ("overgrown-roof", "Schade aan het dak"),
    "gutters-condition": ("overgrown-roof", "De goot ontbreekt"),
    "foundation-cracks": ("cracked-front", "Scheur in de gevel"),
    "facade-condition": ("cracked-front", "Uitgespoeld voegwerk"),
    "windows-condition": ("cracked-front", "Houtrot in het kozijn"),
    "heating": ("empty-bracket", "De cv-ketel ontbreekt"),
    "electrics-safe": ("empty-bracket", "Onveilige elektra"),
    "electrics-condition": ("empty-bracket", "Oude bedrading"),
    "overall-photo": ("cracked-front", "Voorgevel"),
}
"""What to draw for a photo of a question, and its caption."""
SEEN_AFTER = {
    "mould": ("dry-wall", "De buitenmuur is droog"),
    "roof-vegetation": ("clean-roof", "Niets meer op het dak"),
    "roof-condition": ("clean-roof", "Nieuwe pannen"),
    "facade-condition": ("mended-front", "De gevel, een stuk voegwerk moet nog"),
    "heating": ("heat-pump", "De warmtepomp"),
    "overall-photo": ("mended-front", "Voorgevel"),
}
"""The same at the completion inspection."""
