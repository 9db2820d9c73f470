"""Checklists: versioned questionnaires, frozen when published, written in YAML. The answers are in `registry.inspections`."""
