"""Where a dwelling lies: municipalities and the focus areas (focusgebieden) of the national programme."""
