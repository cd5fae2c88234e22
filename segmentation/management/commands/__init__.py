"""The only Django in this room: its commands."""
