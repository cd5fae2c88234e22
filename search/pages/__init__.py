"""The two pages people open: photo search and the retailer's trend dashboard.

The pages are faces of the HTTP API: what they show comes from `/api/search` and `/api/trends/`, fetched by the
browser, so that page and API can never disagree.
"""
