"""Settings, all by environment; `.env.example` lists every variable."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from skillora import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(BASE_DIR / ".env")

ENVIRONMENT = env.choice("SKILLORA_ENV", "development", ("development", "test", "production"))
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.flag("DEBUG", default=False)
DEMO = env.flag("DEMO", default=False) and not PRODUCTION
HOME = Path(env.text("SKILLORA_HOME", str(BASE_DIR / ".skillora"))).resolve()

INSECURE_KEY = "development-only-not-a-secret"
SECRET_KEY = env.text("SECRET_KEY", INSECURE_KEY)
if PRODUCTION and (SECRET_KEY in {INSECURE_KEY, "my_secret_key", "change-me"} or len(SECRET_KEY) < 50):
    raise ImproperlyConfigured("SECRET_KEY: set 50 or more random characters before running in production")

ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
CORS_ORIGINS = env.words("CORS_ORIGINS")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")  # whose X-Forwarded-For is believed
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "skillora",
    "accounts",
    "runs",
    "ingest",
    "analytics",
    "market",
    "hiring",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_rq",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
]

MIDDLEWARE = [
    "skillora.health.ProbeMiddleware",
    "skillora.lib.http.ClientAddressMiddleware",
    "skillora.lib.http.RequestIdMiddleware",
    "skillora.lib.http.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "skillora.lib.http.ContentSecurityPolicyMiddleware",
    "skillora.lib.http.InputLimitMiddleware",
    "skillora.lib.http.RateLimitHeaderMiddleware",
    "skillora.lib.http.PageAboveMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "skillora.urls"
WSGI_APPLICATION = "skillora.wsgi.application"
WEB_THREADS = env.number("WEB_THREADS", 8, low=1, high=64)  # of one web process; each has a database session
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "skillora.nav.context",
            ],
        },
    }
]

DATABASES = {"default": env.database()}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
RQ_QUEUES = {
    name: {"URL": REDIS_URL, "DEFAULT_TIMEOUT": -1, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("default", "loads")
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
REGISTRATION_OPEN = env.flag("REGISTRATION_OPEN", default=True)
TOKEN_DAYS = env.number("TOKEN_DAYS", 365, low=1, high=3650)  # tokens made by hand
ACCESS_TOKEN_EXPIRE_MINUTES = env.number("ACCESS_TOKEN_EXPIRE_MINUTES", 720, low=1, high=525600)  # by log-in
# Calls a minute: of one member, of one address that is not signed in, of log-ins from one address.
RATE_MEMBER = env.number("RATE_MEMBER", 6000, low=1, high=10**9)
RATE_ANONYMOUS = env.number("RATE_ANONYMOUS", 120 if ENVIRONMENT != "test" else 10**6, low=1, high=10**9)
RATE_SIGN_IN = env.number("RATE_SIGN_IN", 20 if ENVIRONMENT != "test" else 10**6, low=1, high=10**9)
CSRF_FAILURE_VIEW = "skillora.lib.problems.csrf_failure"
LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_FORM_FIELD = "email"
AXES_VERBOSE = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.permissions.RolePermission"],
    "DEFAULT_RENDERER_CLASSES": ["skillora.lib.parsing.SoundJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["skillora.lib.parsing.StrictJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["skillora.lib.throttling.CallLimit"],
    "DEFAULT_PAGINATION_CLASS": "skillora.lib.parsing.Cursor",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "skillora.lib.problems.handler",
    "COERCE_DECIMAL_TO_STRING": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Skillora",
    "DESCRIPTION": "Messy files about jobs, pay and hiring become clean tables and answers.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # a file goes in as bytes
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "skillora.lib.openapi.refusals",
    ],
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("pt", "Português"), ("es", "Español")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if ENVIRONMENT != "test"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = ENVIRONMENT == "test"

# Ingest. Sizes in bytes, times in seconds.
UPLOAD_DIR = Path(env.text("UPLOAD_DIR", str(HOME / "uploads")))
MAX_UPLOAD_SIZE = env.number("MAX_UPLOAD_SIZE", 2 * 1024**3, low=1024, high=2**40)
# Uploads lie in UPLOAD_DIR, or in S3-compatible storage where a bucket is named (then UPLOAD_DIR has copies).
UPLOAD_S3_BUCKET = env.text("UPLOAD_S3_BUCKET")
UPLOAD_S3_PREFIX = env.text("UPLOAD_S3_PREFIX", "uploads")
UPLOAD_S3_ENDPOINT = env.text("UPLOAD_S3_ENDPOINT")  # "": Amazon's own
UPLOAD_S3_REGION = env.text("UPLOAD_S3_REGION", "us-east-1")
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024**2
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a page of rejects has 50 lines of 40 cells, a mapping 1,000 columns
FILE_UPLOAD_HANDLERS = ["skillora.lib.uploads.DiskUploadHandler"]
UPLOAD_PART_MAX = 8 * 1024**2  # of a resumable upload
DISK_FREE_MIN = env.number("DISK_FREE_MIN", 512 * 1024**2, low=0, high=2**40)  # left free by uploads
# Loads and checks that wait or run: of one member, of all.
IMPORTS_OPEN_PER_USER = env.number("IMPORTS_OPEN_PER_USER", 20, low=1, high=10**6)
IMPORTS_OPEN = env.number("IMPORTS_OPEN", 200, low=1, high=10**6)
RUN_MAX_STALLS = env.number("RUN_MAX_STALLS", 5, low=1, high=1000)  # attempts in a row without progress
RUN_HEARTBEAT_SECONDS = env.number("RUN_HEARTBEAT_SECONDS", 2, low=1, high=60)
RUN_STALE_SECONDS = env.number("RUN_STALE_SECONDS", 60, low=2, high=3600)
RUN_SWEEP_SECONDS = env.number("RUN_SWEEP_SECONDS", 5, low=1, high=60)
# Backups go to BACKUP_DIR, or to S3-compatible storage where a bucket is named; keys: AWS_ACCESS_KEY_ID and
# AWS_SECRET_ACCESS_KEY in the environment.
BACKUP_DIR = Path(env.text("BACKUP_DIR", str(HOME / "backups")))
BACKUP_S3_BUCKET = env.text("BACKUP_S3_BUCKET")
BACKUP_S3_PREFIX = env.text("BACKUP_S3_PREFIX", "backups")
BACKUP_S3_ENDPOINT = env.text("BACKUP_S3_ENDPOINT")  # "": Amazon's own
BACKUP_S3_REGION = env.text("BACKUP_S3_REGION", "us-east-1")
SMALL_N = env.number("SMALL_N", 5, low=1, high=100)  # fewer rows than this give no figure on pages

EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "skillora@localhost")

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
if PRODUCTION:
    HTTPS = env.flag("HTTPS", default=True)
    SECURE_SSL_REDIRECT = HTTPS
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
    SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["stderr"],
        "level": env.text("LOG_LEVEL", "WARNING" if ENVIRONMENT == "test" else "INFO"),
    },
}
