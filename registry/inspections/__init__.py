"""Inspections (opnames): planned, carried out on a phone without signal, submitted. Photos belong to `registry.photos`."""
