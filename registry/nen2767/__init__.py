"""Condition measurement by NEN 2767-1. Pure: numbers and words, no rows.

It owns the scale, the method with its version, the score of a building part and of a whole of parts, and what a condition answer looks like. It does not
own where scores are kept (`registry.inspections.scores`). What is certain and what is reconstructed without the norm itself stands in docs/nen2767.md.
"""
