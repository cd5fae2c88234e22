"""The catalog over HTTP: products and retailers, read only."""
