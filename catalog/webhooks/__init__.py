"""Who is told of what: events become deliveries, deliveries are signed and sent until they are accepted or given up."""

from __future__ import annotations

from catalog.webhooks.announcing import announce
from catalog.webhooks.events import EVENTS

__all__ = ["EVENTS", "announce"]
