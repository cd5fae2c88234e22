"""Product feeds: files retailers already have, read row by row; a bad row is a value and never stops the rest."""
