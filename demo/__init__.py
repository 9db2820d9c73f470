"""Plays the whole story through the public REST API: the demo of `make demo`."""
