"""All routes. The rooms name their own (`catalog.api.urls` and `search.api.urls` live under `/api/`)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from catalog.api.urls import followed_routes
from deploy import openapi  # noqa: F401 (how keys are sent registers itself)
from deploy.health import healthz, readyz
from deploy.media import serve_media
from search.import_tasks import UPKEEP

# Not OPTIONS: DRF renders its answer with the view's renderer, and neither YAML nor the docs' template fits.
READ_ONLY = ["get", "head"]

admin.site.site_header = admin.site.site_title = "Selvedge"

urlpatterns = [
    # A product's id may hold slashes: what follows it (`/similar`) is looked for before the product itself.
    path("api/", include("search.api.urls")),
    path("api/", include("catalog.api.urls")),
    path("api/", include(followed_routes(UPKEEP))),
    re_path(r"^api/schema/?$", SpectacularAPIView.as_view(http_method_names=READ_ONLY), name="schema"),
    re_path(
        r"^api/docs/?$",
        SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=READ_ONLY),
        name="docs",
    ),
    re_path(r"^healthz/?$", healthz, name="healthz"),
    re_path(r"^readyz/?$", readyz, name="readyz"),
    path("admin/", admin.site.urls),
    re_path(r"^media/(?P<name>.+)$", serve_media, name="media"),
    path("", include("search.pages.urls")),
]

handler400 = "deploy.http_errors.handle_400"
handler403 = "deploy.http_errors.handle_403"
handler404 = "deploy.http_errors.handle_404"
handler500 = "deploy.http_errors.handle_500"
