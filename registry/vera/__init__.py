"""What the register knows of a portfolio in the names and reference codes of VERA, the data standard of housing corporations (Aedes). See docs/vera.md."""
