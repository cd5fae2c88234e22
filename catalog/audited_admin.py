"""What the catalog's admin pages have in common: writes are on the audit log, records of the program are read only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from catalog.access.audit import record
from catalog.access.caller import RIGHTS, Caller
from catalog.models import Retailer

# Django's admin classes take no type arguments at run time, hence the ignored [type-arg] below.


def audit_staff(request: HttpRequest, action: str, record_: Model, detail: dict[str, Any] | None = None) -> None:
    """Adds an entry for what a person did in the admin."""
    request_id: str = getattr(request, "request_id", "")
    target = str(getattr(record_, "external_id", None) or getattr(record_, "slug", None) or record_.pk)
    record(staff_of(request), action, target, retailer=_owner(record_), detail=detail, request_id=request_id)


def staff_of(request: HttpRequest) -> Caller:
    """The person signed in. What they may do, the admin's own permissions say."""
    return Caller("staff", RIGHTS["operator"], name=f"staff {request.user.get_username()}")


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Records that people may change here, which the audit log tells of as of every other change."""

    audited_as = ""
    """What the log calls such a record: "product"."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One was made."""
        audit_staff(request, f"{self.audited_as}.create", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """One was changed; the fields' names are noted."""
        audit_staff(request, f"{self.audited_as}.update", obj, {"changes": message})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Some are about to be deleted."""
        for obj in queryset:
            audit_staff(request, f"{self.audited_as}.delete", obj)
        return super().log_deletions(request, queryset)


class ProgramsRecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Records that only the program writes."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


class ProgramsInline(admin.TabularInline):  # type: ignore[type-arg]
    """Parts of such a record."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


def may_act(model_admin: admin.ModelAdmin, request: HttpRequest) -> bool:  # type: ignore[type-arg]
    """Whether a person may use an action on records that nobody edits: as Django's own permission to change them."""
    return request.user.has_perm(f"{model_admin.opts.app_label}.change_{model_admin.opts.model_name}")


def _owner(obj: Model) -> Retailer | None:
    owner: Any = obj
    for name in ("product", "endpoint"):
        owner = getattr(owner, name, owner)
    if isinstance(owner, Retailer):
        return owner if Retailer.objects.filter(pk=owner.pk).exists() else None
    retailer: Retailer | None = getattr(owner, "retailer", None)
    return retailer
