"""An evaluation as figures, text, charts and pictures."""
