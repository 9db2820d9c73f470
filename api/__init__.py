"""The register in HTTP."""
