"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

from accounts import views as people
from skillora import api_pages, health, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("how/", views.how, name="how"),
    path("sample", views.sample_begin, name="sample-load"),
    path("theme", views.theme_set, name="theme-set"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("health", health.health, name="health"),
    path("account/", include("accounts.urls")),
    path("", include("ingest.urls")),
    path("", include("market.urls")),
    path("", include("hiring.urls")),
    path("api/", api_pages.quickstart, name="api-quickstart"),
    path("api/docs/", api_pages.Docs.as_view(), name="api-docs"),
    path("api/v1/schema/", api_pages.Schema.as_view(), name="api-schema"),
    path("api/v1/", include("skillora.api_urls")),
    path("", include("skillora.seed_urls")),
    path("admin/rq/", include("django_rq.urls")),
    path("admin/login/", people.admin_sign_in),
    path("admin/logout/", people.sign_out),
    path("admin/", admin.site.urls),
]

handler400 = "skillora.lib.problems.bad_request"
handler403 = "skillora.lib.problems.permission_denied"
handler404 = "skillora.lib.problems.page_not_found"
handler500 = "skillora.lib.problems.server_error"
