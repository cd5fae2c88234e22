"""What is announced: one home for the names, for subscribers, for those who announce, and for the documentation."""

from __future__ import annotations

IMPORT_FINISHED = "import.finished"
PRODUCT_FAILED = "product.failed"
SPACE_PROMOTED = "space.promoted"
PING = "ping"

EVENTS = {
    IMPORT_FINISHED: "An import ended, well or not: its resource, with counts and the reason of a failure.",
    PRODUCT_FAILED: "Products of an import could not be taken over or described: how many, and the first of them.",
    SPACE_PROMOTED: "Another model answers searches from now on, or the one before does again.",
}
"""What endpoints may subscribe to, and what each means."""

ANNOUNCED = frozenset({*EVENTS, PING})
"""All that is ever sent: a ping goes to the endpoint that asked for it, whatever it subscribed to."""
