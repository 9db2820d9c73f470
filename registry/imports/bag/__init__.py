"""The import of a BAG 2.0 extract: from the zip of Kadaster to rows of `dwelling`.

Owns: reading the zip safely (`archive`), the XML (`objects`), which objects are dwellings and what their words mean (`rules`), and the two
steps of an import (`commands`): `stage` copies into temporary tables and joins there, `apply` brings the register up to date in one short
transaction. Does not own: the table `dwelling`, the command line, and every column that the BAG says nothing about.
"""
