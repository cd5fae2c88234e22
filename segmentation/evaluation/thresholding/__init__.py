"""The search for an operating point."""
