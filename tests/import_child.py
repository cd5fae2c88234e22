"""What a process does that hands in imports or runs them: `python -m tests.import_child VERB ARGUMENTS...`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
django.setup()

# Only after Django is set up: they import models.
from catalog.imports.leases import Lease  # noqa: E402
from catalog.imports.submitting import ImportRequest, submit_import  # noqa: E402
from catalog.models import ImportJob, Product, ProductImage, Retailer  # noqa: E402
from search import import_tasks  # noqa: E402
from search.models import Garment  # noqa: E402


def hand_in(feed: str, images: str) -> str:
    """Hands in a feed and says that it waits, as the web server does; nothing is run here."""
    retailer, _ = Retailer.objects.get_or_create(slug="acme", defaults={"name": "Acme"})
    tell = import_tasks.UPKEEP.import_submitted if os.environ.get("CELERY_BROKER_URL") else lambda job_id: None
    job, _ = submit_import(retailer, ImportRequest(feed=Path(feed), images=Path(images)), submitted=tell)
    return str(job.pk)


def run_and_die_at(moment: str) -> None:
    """Runs what waits and is killed: after the first rows, or between two photos' batches."""
    told = Lease.report

    def die(lease: Lease, **values: object) -> None:
        told(lease, **values)
        if lease.job.phase == moment and Product.objects.exists():
            os.kill(os.getpid(), 9)

    Lease.report = die  # type: ignore[method-assign]
    import_tasks.run_imports(Retailer.objects.get().pk)


def state() -> dict[str, object]:
    """What the records say."""
    job = ImportJob.objects.get()
    return {
        "state": job.state,
        "error": job.error,
        "n_attempts": job.n_attempts,
        "products": sorted(Product.objects.values_list("external_id", flat=True)),
        "images": sorted(ProductImage.objects.values_list("sha256", "status")),
        "garments": Garment.objects.filter(is_product=True).values("product").distinct().count(),
    }


if __name__ == "__main__":
    verb = {each.__name__: each for each in (hand_in, run_and_die_at, state)}[sys.argv[1]]
    print(json.dumps(verb(*sys.argv[2:])))
