"""The register of poorly maintained dwellings: what is true and what may happen. It knows no HTTP."""
