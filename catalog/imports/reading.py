"""Reads of imports."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from catalog.errors import ImportNotFound
from catalog.models import ImportJob, Retailer


def imports_of(retailer: Retailer | None, state: str | None = None) -> QuerySet[ImportJob]:
    """A retailer's imports, or those of all; of one state where that is given."""
    found = ImportJob.objects.select_related("retailer")
    if retailer is not None:
        found = found.filter(retailer=retailer)
    return found if state is None else found.filter(state=state)


def get_import(retailer: Retailer | None, job_id: UUID) -> ImportJob:
    """One import, of a retailer where one is given.

    Raises:
        ImportNotFound: There is none, or it is another's.
    """
    job = imports_of(retailer).filter(pk=job_id).first()
    if job is None:
        raise ImportNotFound(f"there is no import {job_id}")
    return job
