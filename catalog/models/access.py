"""Records of who may do what: API keys, and what was written with them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from rest_framework_api_key.models import AbstractAPIKey, APIKeyManager

from catalog.models.products import Retailer


class ApiKeyManager(APIKeyManager):
    """Draws keys whose records are known by their prefix; the library would put the hash into the primary key too."""

    def assign_key(self, obj: AbstractAPIKey) -> str:
        """The key without its tag; `obj` gets its prefix and its hash."""
        key = super().assign_key(obj)
        obj.id = obj.prefix
        return key


class ApiKey(AbstractAPIKey):
    """A key of the API. Only its SHA-512 is stored; the key itself is shown once, when it is made.

    Its primary key is its `prefix`, by which people know it too.
    """

    objects: ClassVar[ApiKeyManager] = ApiKeyManager()

    class Kind(models.TextChoices):
        """What it opens."""

        SECRET = "secret", "secret: writes and reads one retailer's catalog"
        PUBLISHABLE = "publishable", "publishable: searches one retailer's catalog from its own pages"
        OPERATOR = "operator", "operator: all retailers, and what belongs to none"

    retailer = models.ForeignKey(
        Retailer,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text="whose catalog it opens; none for operators alone",
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    allowed_origins = models.JSONField(
        default=list, blank=True, help_text='pages a publishable key works on, such as "https://shop.example"'
    )
    rate = models.CharField(
        max_length=40, blank=True, default="", help_text='such as "600/minute"; empty: the setting of its kind'
    )
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")
    replaces = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text="the key it was made from"
    )

    class Meta(AbstractAPIKey.Meta):
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="operator", retailer__isnull=True)
                | (~models.Q(kind="operator") & models.Q(retailer__isnull=False)),
                name="operators_have_no_retailer_and_others_one",
            )
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"


class AuditEntry(models.Model):
    """One write through the API, the admin or a command: who, what, when. Never changed, and it holds no secrets."""

    at = models.DateTimeField(db_index=True)
    retailer = models.ForeignKey(Retailer, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    actor = models.CharField(max_length=200, help_text='such as "key a1b2c3d4 (import job)" or "staff maria"')
    action = models.CharField(max_length=60, help_text='such as "product.update"')
    target = models.CharField(max_length=200, blank=True, default="", help_text="what was written, by its own id")
    request_id = models.CharField(max_length=64, blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["retailer", "-at"], name="audit_by_retailer")]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"
