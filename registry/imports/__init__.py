"""Reading what other registers publish. Each source has its own package; none of them knows HTTP."""
