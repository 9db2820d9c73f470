"""Who works for whom: people, their memberships of organisations, and what proves who they are."""
