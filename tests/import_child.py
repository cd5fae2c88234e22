"""What a process does that hands in imports or runs them: `python -m tests.import_child VERB ARGUMENTS...`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
django.setup()

# Only after Django is set up: they import models.
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from catalog.imports.leases import Lease  # noqa: E402
from catalog.imports.submitting import ImportRequest, submit_import  # noqa: E402
from catalog.models import ImportJob, Product, ProductImage, Retailer  # noqa: E402
from search import import_tasks  # noqa: E402
from search.models import Garment  # noqa: E402
from tests.pretend_models import PretendModel  # noqa: E402
from workers import runtime  # noqa: E402
from workers.model_files import configured_pair  # noqa: E402


def hand_in(feed: str, images: str) -> str:
    """Makes the tables, hands in a feed and says that it waits, as the web server does; nothing is run here."""
    call_command("migrate", verbosity=0)
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

    Lease.report = die  # type: ignore[method-assign,assignment]
    import_tasks.run_imports(Retailer.objects.get().pk)


def tidy() -> dict[str, object]:
    """Does the chores, as `manage.py tidy` does, once the lease of what died is over; what the records say then."""
    time.sleep(settings.SELVEDGE_IMPORT_LEASE_S)
    call_command("tidy", verbosity=0)
    return state()


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
    verb = {each.__name__: each for each in (hand_in, run_and_die_at, tidy, state)}[sys.argv[1]]
    # In the place of the configured pair's; nobody asks for it where there is a queue.
    with runtime.lent(PretendModel(configured_pair().space())):
        print(json.dumps(verb(*sys.argv[2:])))
