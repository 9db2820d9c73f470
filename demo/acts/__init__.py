"""The acts of the story; `demo.story` puts them in order."""
