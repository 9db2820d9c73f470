"""Checklists in which everything occurs that a form can express."""

from typing import Any

import yaml

EVERYTHING: dict[str, Any] = yaml.safe_load("""
key: everything
edition: 3
title: {nl: "Alles", en: "Everything"}
sections:
  - key: first
    title: {nl: "Een", en: "One"}
    text: {nl: "Begin buiten.", en: "Begin outside."}
    questions:
      - key: mould
        type: choice
        required: true
        text: {nl: "Schimmel?", en: "Mould?"}
        hint: {nl: "Ook achter kasten.", en: "Behind cupboards too."}
        options:
          - {key: none, nl: "Geen", en: "None"}
          - {key: spots, nl: "Plekken", en: "Spots"}
          - {key: large, nl: "Groot", en: "Large", follow-up: {nl: "Meld het <vandaag> & bel.", en: "Report it <today> & call."}}
        photos: [{min: 1, when: [spots]}, {min: 3, when: [large]}]
      - key: rooms
        type: several
        text: {nl: "Waar?", en: "Where?"}
        visible-if: {question: mould, in: [spots, large]}
        options: [{key: bath, nl: "Bad", en: "Bath"}, {key: bed, nl: "Slaapkamer", en: "Bedroom"}]
      - key: humidity
        type: number
        unit: "%"
        min: 0
        max: 100
        decimals: 1
        text: {nl: "Vocht", en: "Humidity"}
        visible-if: {any: [{question: rooms, in: [bath]}, {not: {question: mould, in: [none]}}]}
      - key: why
        type: text
        required: true
        text: {nl: "Waardoor?", en: "Why?"}
        visible-if: {all: [{question: humidity, above: 70}, {question: mould, in: [large]}]}
      - {key: since, type: date, text: {nl: "Sinds", en: "Since"}}
      - {key: danger, type: yes-no, required: true, text: {nl: "Gevaar?", en: "Danger?"}, follow-up: {"yes": {nl: "Ga weg.", en: "Leave."}}}
  - key: parts
    title: {nl: "Bouwdelen", en: "Parts"}
    visible-if: {question: danger, in: ["no"]}
    questions:
      - key: roof
        type: condition
        required: true
        element: {code: "47.1", nl: "Dak", en: "Roof"}
        text: {nl: "Het dak", en: "The roof"}
        replacement-value: 12000
        defects: [{key: leak, nl: "Lek", en: "Leak"}, {key: moss, nl: "Mos", en: "Moss"}]
        photos: {per-defect: 1}
      - {key: wall, type: condition, text: {nl: "De muur", en: "The wall"}, element: {code: "21.1", nl: "Muur", en: "Wall"}}
      - {key: front, type: photo, required: true, text: {nl: "Voorgevel", en: "Front"}, photos: {min: 2}}
""")
