"""The protocol of ODK Collect and Enketo: checklists as XForms, filled-in forms as inspections."""
