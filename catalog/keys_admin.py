"""API keys and the audit log in Django's admin. A key is shown once, as it is made; its hash never."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from rest_framework_api_key.models import APIKey

from catalog.access.granting import KeyWish, check_wish, revoke_key, state_of
from catalog.access.keys import assign_key
from catalog.audited_admin import AuditedAdmin, ProgramsRecordAdmin, audit_staff, staff_of
from catalog.errors import InvalidKey, KeyForbidden
from catalog.models import ApiKey, AuditEntry

# The library's own keys open nothing here.
if admin.site.is_registered(APIKey):
    admin.site.unregister(APIKey)


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key as a person asks for it, held to the same rules as over the API."""

    class Meta:
        model = ApiKey
        fields = ("name", "kind", "retailer", "allowed_origins", "rate", "expiry_date")

    def clean(self) -> dict[str, Any]:
        """What is wrong with it, at its field."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        kind = given.get("kind", self.instance.kind)
        wish = KeyWish(
            ApiKey.Kind(kind),
            given["name"],
            given.get("retailer", self.instance.retailer),
            given.get("allowed_origins") or [],
            given["rate"],
            given["expiry_date"],
        )
        try:
            given["allowed_origins"] = check_wish(self.maker, wish)  # type: ignore[attr-defined]
        except InvalidKey as error:
            named = "expiry_date" if error.field == "expires_at" else error.field
            self.add_error(named if named in self.fields else None, str(error))
        except KeyForbidden as error:
            self.add_error(None, str(error))
        return given

    def clean_allowed_origins(self) -> list[str]:
        """A list of texts."""
        origins = self.cleaned_data["allowed_origins"]
        if origins in (None, ""):
            return []
        if not isinstance(origins, list) or not all(isinstance(each, str) for each in origins):
            raise forms.ValidationError('Write a list, such as ["https://shop.example"].')
        return origins


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """Keys: made, changed, revoked."""

    form = ApiKeyForm
    audited_as = "api_key"
    list_display = ("prefix", "name", "kind", "retailer", "state", "last_used_at", "created", "expiry_date")
    list_filter = ("kind", "revoked", "retailer")
    list_select_related = ("retailer",)
    list_per_page = 50
    search_fields = ("prefix", "name", "retailer__slug")
    date_hierarchy = "created"
    actions = ("revoke",)
    fields = ("name", "kind", "retailer", "allowed_origins", "rate", "expiry_date")

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form knows who asks."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("ApiKeyFormOfMaker", (form,), {"maker": staff_of(request)})

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """Of one that is made already, what became of it too."""
        return self.fields if obj is None else ("prefix", "state", *self.fields, "last_used_at", "created", "replaces")

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        """A key keeps its kind and its retailer."""
        return () if obj is None else ("prefix", "state", "kind", "retailer", "last_used_at", "created", "replaces")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Saves it; a new one is drawn before."""
        if not change:
            request.made_key = assign_key(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """Shows the key on this one answer: no message, cookie or session ever holds it."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Keep this key",
            "opts": self.opts,
            "made": obj,
            "key": request.made_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(
            request, "admin/catalog/apikey/made.html", context, headers={"Cache-Control": "no-store"}
        )

    @admin.display(description="state")
    def state(self, obj: ApiKey) -> str:
        """Whether it works."""
        return state_of(obj)

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Ends them at once and for good."""
        for key in queryset:
            revoke_key(key)
            audit_staff(request, "api_key.revoke", key)
        self.message_user(request, f"{len(queryset)} revoked.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ProgramsRecordAdmin):
    """Who wrote what, and when."""

    list_display = ("at", "actor", "action", "target", "retailer", "request_id")
    list_filter = ("action", "retailer")
    list_select_related = ("retailer",)
    search_fields = ("actor", "target", "request_id")
    date_hierarchy = "at"

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        """Never: a log that can be shortened proves nothing."""
        return False
