"""Addresses of /api/v1."""

from django.urls import include, path

from accounts import api as people
from ingest import api as imports
from ingest import batch_api as batches
from ingest import rejects_api as rejects
from ingest import upload_api as uploads
from skillora import health

app_name = "api"
urlpatterns = [
    path("imports", imports.Imports.as_view(), name="imports"),
    path("imports/<int:pk>", imports.ImportOne.as_view(), name="import"),
    path("imports/<int:pk>/map", imports.ImportMap.as_view(), name="import-map"),
    path("imports/<int:pk>/check", imports.ImportCheck.as_view(), name="import-check"),
    path("imports/<int:pk>/load", imports.ImportLoad.as_view(), name="import-load"),
    path("imports/<int:pk>/cancel", imports.ImportCancel.as_view(), name="import-cancel"),
    path("imports/<int:pk>/remap", imports.ImportRemap.as_view(), name="import-remap"),
    path("imports/<int:pk>/rejects", rejects.ImportRejects.as_view(), name="import-rejects"),
    path("imports/<int:pk>/rejects.csv", rejects.ImportRejectsCsv.as_view(), name="import-rejects-csv"),
    path("imports/<int:pk>/rejects/rule", rejects.ImportRejectsRule.as_view(), name="import-rejects-rule"),
    path("imports/<int:pk>/rejects/load", rejects.ImportRejectsLoad.as_view(), name="import-rejects-load"),
    path("imports/<int:pk>/undo", rejects.ImportUndo.as_view(), name="import-undo"),
    path("imports/<int:pk>/rows/<int:line>", rejects.ImportRow.as_view(), name="import-row"),
    path("uploads", uploads.Uploads.as_view(), name="uploads"),
    path("uploads/<uuid:pk>", uploads.UploadOne.as_view(), name="upload"),
    path("datasets", imports.Datasets.as_view(), name="datasets"),
    path("datasets/<slug:slug>", imports.DatasetOne.as_view(), name="dataset"),
    path("datasets/<slug:slug>/rows", imports.DatasetRows.as_view(), name="dataset-rows"),
    path("datasets/<slug:slug>/batch", batches.DatasetBatch.as_view(), name="dataset-batch"),
    path("health", health.health, name="health"),
    path("analytics/", include("analytics.urls")),
    path("tokens", people.Tokens.as_view(), name="tokens"),
    path("tokens/<int:pk>", people.Token.as_view(), name="token"),
    path("auth/register", people.Register.as_view(), name="auth-register"),
    path("auth/login", people.Login.as_view(), name="auth-login"),
    path("auth/me", people.Me.as_view(), name="auth-me"),
]
