"""Spreadsheets: rows out of CSV and XLSX, what each column and cell is, and rows into them. Knows nothing of dwellings, and holds no file whole in memory."""
