"""Checklists out of XLSForms, the spreadsheets in which field organisations write forms. What a checklist can't express is reported, never dropped silently."""
