"""The search room over HTTP: search, similar products, categories, trends."""
