"""Routes of events and of the reports over time below `/api/`, each with and without its last slash."""

from __future__ import annotations

from django.urls import re_path

from search.api.event_views import EventSummaryView, EventsView
from search.api.trend_views import TrendsView

urlpatterns = [
    re_path(r"^events/?$", EventsView.as_view(), name="events"),
    re_path(r"^events/summary/?$", EventSummaryView.as_view(), name="event-summary"),
    re_path(r"^trends/?$", TrendsView.as_view(), name="trends"),
]
