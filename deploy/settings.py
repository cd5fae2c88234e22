"""Django's settings: one flat file, read from the environment. What the model is lives in its checkpoint, not here.

Every variable has a default that runs on one machine without a broker or a database server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from deploy.environment import (
    count,
    flag,
    networks,
    not_negative,
    positive,
    positive_number,
    private_folder,
    rate,
    refuse_weak_key,
    secret_key,
    text,
    words,
)
from deploy.storage import image_roots, media_url_of, storages_from

BASE_DIR = Path(__file__).resolve().parent.parent


# --- where things are -------------------------------------------------------------------------------------------
SELVEDGE_DATA_DIR = Path(text("SELVEDGE_DATA_DIR", str(BASE_DIR / "var"))).resolve()
SELVEDGE_DATA_DIR.mkdir(parents=True, exist_ok=True)
MEDIA_ROOT = Path(text("SELVEDGE_MEDIA_ROOT", str(SELVEDGE_DATA_DIR / "media"))).resolve()
# Images in a bucket instead of the media folder: s3://bucket/prefix?endpoint_url=…&region=…
STORAGES = storages_from(text("SELVEDGE_STORAGE_URL", ""))
MEDIA_URL = media_url_of(STORAGES)
# Feeds that were handed in, until they are imported; web servers and records workers share it as they share the media.
SELVEDGE_IMPORTS_DIR = private_folder("SELVEDGE_IMPORTS_DIR", SELVEDGE_DATA_DIR / "imports", MEDIA_ROOT)
VECTOR_INDEX_URL = text("VECTOR_INDEX_URL", f"faiss://{SELVEDGE_DATA_DIR / 'index'}")

# --- addresses that feeds, shoppers and webhooks name (catalog/downloads): public ones, and these ------------------
SELVEDGE_ALLOWED_NETWORKS = networks("SELVEDGE_ALLOWED_NETWORKS")
SELVEDGE_ALLOWED_PORTS = [
    int(positive_number("SELVEDGE_ALLOWED_PORTS", port)) for port in text("SELVEDGE_ALLOWED_PORTS", "80,443").split(",")
]
# What stands for the beginning of an image link that is no web address: {"gs://bucket": "https://…"}.
SELVEDGE_IMAGE_ROOTS = image_roots(text("SELVEDGE_IMAGE_ROOTS", ""))
SELVEDGE_FETCH_CONCURRENCY = int(positive("SELVEDGE_FETCH_CONCURRENCY", 32))
SELVEDGE_FETCH_PER_HOST = int(positive("SELVEDGE_FETCH_PER_HOST", 16))
# Between the starts of two requests to one host; and for one image, redirects included.
SELVEDGE_FETCH_INTERVAL_S = not_negative("SELVEDGE_FETCH_INTERVAL_S", 0.0)
SELVEDGE_FETCH_TIMEOUT_S = positive("SELVEDGE_FETCH_TIMEOUT_S", 30.0)
# After so long an image is asked for again, with its ETag; 0 never does.
SELVEDGE_FETCH_REFRESH_S = not_negative("SELVEDGE_FETCH_REFRESH_S", 7 * 86400.0)

# --- limits -----------------------------------------------------------------------------------------------------
SELVEDGE_MAX_UPLOAD_BYTES = int(positive("SELVEDGE_MAX_UPLOAD_BYTES", 20 * 1024 * 1024))
# Of a feed that is uploaded, its images included, or fetched. It goes to disk, never as a whole into memory.
SELVEDGE_MAX_FEED_BYTES = int(positive("SELVEDGE_MAX_FEED_BYTES", 2 * 1024**3))
# An import whose process has not been heard of for so long is taken up by another.
SELVEDGE_IMPORT_LEASE_S = positive("SELVEDGE_IMPORT_LEASE_S", 60)
SELVEDGE_IMPORT_RETENTION_DAYS = positive("SELVEDGE_IMPORT_RETENTION_DAYS", 30)
# What shoppers did with answers (events), and what was sent to webhooks, is deleted after so many days; an endpoint
# that accepts nothing for so many is told no more.
SELVEDGE_EVENT_RETENTION_DAYS = positive("SELVEDGE_EVENT_RETENTION_DAYS", 400)
SELVEDGE_WEBHOOK_RETENTION_DAYS = positive("SELVEDGE_WEBHOOK_RETENTION_DAYS", 30)
SELVEDGE_WEBHOOK_DISABLE_DAYS = positive("SELVEDGE_WEBHOOK_DISABLE_DAYS", 5)
SELVEDGE_SEARCH_TIMEOUT_S = positive("SELVEDGE_SEARCH_TIMEOUT_S", 30.0)
# How long a search by `image_url` waits for the photo.
SELVEDGE_IMAGE_URL_TIMEOUT_S = positive("SELVEDGE_IMAGE_URL_TIMEOUT_S", 10.0)
# A photo stays in memory: it is decoded at once, and a temporary file would only be read back.
FILE_UPLOAD_MAX_MEMORY_SIZE = SELVEDGE_MAX_UPLOAD_BYTES
DATA_UPLOAD_MAX_MEMORY_SIZE = SELVEDGE_MAX_UPLOAD_BYTES + 1024 * 1024

# --- what is kept of searches -----------------------------------------------------------------------------------
# What was seen in a shopper's photo can be asked again by `image_id` for so long; 0 keeps nothing.
SELVEDGE_QUERY_TTL_S = count("SELVEDGE_QUERY_TTL_S", 3600)
# Likewise the photo itself, without its metadata, in a folder that no address leads to.
SELVEDGE_KEEP_QUERY_PHOTOS = flag("SELVEDGE_KEEP_QUERY_PHOTOS", "0")
SELVEDGE_QUERY_PHOTOS_DIR = private_folder("SELVEDGE_QUERY_PHOTOS_DIR", SELVEDGE_DATA_DIR / "query_photos", MEDIA_ROOT)
# Searches, and what shoppers did with the answers, are forgotten after so many days; 0 never forgets.
SELVEDGE_SEARCH_RETENTION_DAYS = count("SELVEDGE_SEARCH_RETENTION_DAYS", 0)


# --- security ---------------------------------------------------------------------------------------------------
SECRET_KEY = secret_key(SELVEDGE_DATA_DIR)
DEBUG = flag("DEBUG", "0")
# Production: everything over HTTPS, which a proxy of ours ends. `check --deploy` has nothing to say then.
SELVEDGE_HTTPS = flag("SELVEDGE_HTTPS", "0")
# Proxies of ours before the server, each of which appends to X-Forwarded-For; 0 believes no such header.
SELVEDGE_TRUSTED_PROXIES = count("SELVEDGE_TRUSTED_PROXIES", 1 if SELVEDGE_HTTPS else 0)
if SELVEDGE_HTTPS:
    refuse_weak_key(SECRET_KEY)
    if DEBUG:
        raise ImproperlyConfigured(
            "DEBUG shows settings and code to whoever causes an error: not with SELVEDGE_HTTPS=1"
        )
    SECURE_SSL_REDIRECT = True
    # Load balancers ask for these from inside, without TLS.
    SECURE_REDIRECT_EXEMPT = [r"^healthz/?$", r"^readyz/?$"]
    SECURE_HSTS_SECONDS = int(positive("SELVEDGE_HSTS_S", 365 * 24 * 3600))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    if SELVEDGE_TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", "")
CSRF_FAILURE_VIEW = "deploy.http_errors.handle_csrf"

# What requests without a key may do: "none", or "read" where everybody who reaches the server may search all retailers.
SELVEDGE_ANONYMOUS = text("SELVEDGE_ANONYMOUS", "none")
if SELVEDGE_ANONYMOUS not in {"none", "read"}:
    raise ImproperlyConfigured(f"SELVEDGE_ANONYMOUS must be none or read, not {SELVEDGE_ANONYMOUS!r}")

# --- how often who may ask: "600/minute", "20/10 seconds" or "off"; a photo search counts as ten -------------------
SELVEDGE_RATES = {
    "anonymous": rate("SELVEDGE_RATE_ANONYMOUS", "600/minute"),  # by address
    "shopper": rate("SELVEDGE_RATE_SHOPPER", "600/minute"),  # by address, of those with one publishable key
    "publishable": rate("SELVEDGE_RATE_PUBLISHABLE", "12000/minute"),  # by key, as those below
    "secret": rate("SELVEDGE_RATE_SECRET", "6000/minute"),
    "operator": rate("SELVEDGE_RATE_OPERATOR", "6000/minute"),
    "staff": rate("SELVEDGE_RATE_STAFF", "1200/minute"),  # by person
}
SELVEDGE_RATE_WRONG_KEYS = rate("SELVEDGE_RATE_WRONG_KEYS", "30/minute")  # by address
# Where they are counted: a Redis that all processes share, or "memory:" for each process by itself.
_broker_url = text("CELERY_BROKER_URL", "memory:")
SELVEDGE_RATE_LIMIT_URL = text(
    "SELVEDGE_RATE_LIMIT_URL", _broker_url if _broker_url.startswith(("redis:", "rediss:")) else "memory:"
)

# --- pages elsewhere: those that a publishable key names may read the API, and send no cookies ----------------------
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "HEAD", "POST", "OPTIONS"]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "if-none-match",
    "selvedge-api-version",
    "x-api-key",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "ETag",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Selvedge-Api-Version",
    "Selvedge-Version",
    "X-Request-ID",
]
CORS_PREFLIGHT_MAX_AGE = 600

# --- application ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_api_key",
    "corsheaders",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "segmentation.apps.SegmentationConfig",
    "catalog.apps.CatalogConfig",
    "search.apps.SearchConfig",
]
MIDDLEWARE = [
    "deploy.http_errors.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "deploy.answer_headers.BrowserRulesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "deploy.answer_headers.ApiVersionMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "deploy.http_errors.BodyLimitMiddleware",
    "deploy.http_errors.RefusedMethodMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "deploy.urls"
WSGI_APPLICATION = "deploy.wsgi.application"
# Every API route exists with and without its slash; a redirect would lose the posted photo.
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- records ----------------------------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        text("DATABASE_URL", f"sqlite:///{SELVEDGE_DATA_DIR / 'db.sqlite3'}"), conn_max_age=60, conn_health_checks=True
    ),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers go on while one writer writes; a second writer waits instead of failing; write locks are taken at
    # BEGIN, because a transaction that upgrades from read to write fails at once whatever the time-out.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- language and time ------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- static files: WhiteNoise serves them from the installed apps, so `collectstatic` is optional ------------------
STATIC_URL = "/static/"
STATIC_ROOT = SELVEDGE_DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# --- API --------------------------------------------------------------------------------------------------------
SELVEDGE_VERSION = "0.1.0"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["catalog.api.access.CallerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["catalog.api.access.HasRight"],
    "DEFAULT_PARSER_CLASSES": ["catalog.api.json_bodies.BoundedJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["catalog.api.throttles.BudgetThrottle"],
    "EXCEPTION_HANDLER": "deploy.http_errors.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Selvedge",
    "DESCRIPTION": "Visual search for fashion catalogs: a photo in, the garments of your catalog out, best first.",
    "VERSION": SELVEDGE_VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "OAS_VERSION": "3.1.1",
    # Else files of forms are described as addresses, as answers have them.
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "deploy.openapi.complete"],
    "SCHEMA_PATH_PREFIX": "/api/",
    "ENUM_NAME_OVERRIDES": {
        "KeyKindEnum": "catalog.models.ApiKey.Kind",
        "KeyStateEnum": "catalog.access.granting.STATES",
        "ImportStateEnum": "catalog.models.ImportJob.State",
        "DeliveryStateEnum": "catalog.models.WebhookDelivery.State",
    },
    # The docs page works without the internet.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- logging ----------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "deploy.http_errors.RequestIdFilter"}},
    "formatters": {
        "line": {
            "()": "deploy.redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["request_id"]}},
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
    "loggers": {
        # Django's own handler mails administrators and prints twice.
        "django": {"handlers": [], "propagate": True},
        # 4xx answers are the client's business; they are in the access log already.
        "django.request": {"level": "ERROR"},
        # One line a task, with its result: whole descriptions. The command shows progress itself.
        "celery.app.trace": {"level": "WARNING"},
        # Embedded, the broker is this process's memory and has no host name.
        "kombu.connection": {"level": "ERROR"},
        # Every address of every image and webhook, with whatever secret stands in it.
        "httpx": {"level": "WARNING"},
        # It tells which of its builds it tried.
        "faiss": {"level": "WARNING"},
    },
}
