"""Addresses of the import wizard."""

from django.urls import path

from ingest import reject_views, together_views, views
from ingest.backups import views as backups

app_name = "ingest"
urlpatterns = [
    path("imports/", views.import_list, name="import-list"),
    path("imports/new", views.import_new, name="import-new"),
    path("imports/together", together_views.import_together, name="import-together"),
    path("imports/templates/<slug:slug>.csv", views.dataset_template, name="dataset-template"),
    path("imports/<int:pk>", views.import_detail, name="import-detail"),
    path("imports/<int:pk>/map", views.import_map, name="import-map"),
    path("imports/<int:pk>/map/preview", views.import_map_preview, name="import-map-preview"),
    path("imports/<int:pk>/facts", views.import_facts, name="import-facts"),
    path("imports/<int:pk>/check", views.import_check, name="import-check"),
    path("imports/<int:pk>/load", views.import_load, name="import-load"),
    path("imports/<int:pk>/cancel", views.import_cancel, name="import-cancel"),
    path("imports/<int:pk>/remap", views.import_remap, name="import-remap"),
    path("imports/<int:pk>/check/translate", views.import_translate, name="import-translate"),
    path("imports/<int:pk>/rejects", reject_views.reject_list, name="reject-list"),
    path("imports/<int:pk>/rejects.csv", reject_views.reject_download, name="reject-download"),
    path("imports/<int:pk>/rejects/fix", reject_views.reject_fix, name="reject-fix"),
    path("imports/<int:pk>/rejects/rule", reject_views.reject_rule, name="reject-rule"),
    path("imports/<int:pk>/create", reject_views.reference_create, name="reference-create"),
    path("imports/<int:pk>/rejects/unskip", reject_views.reject_unskip, name="reject-unskip"),
    path("imports/<int:pk>/rejects/discard", reject_views.reject_discard, name="reject-discard"),
    path("imports/<int:pk>/rejects/load", reject_views.reject_load, name="reject-load"),
    path("imports/<int:pk>/rejects/return", reject_views.reject_return, name="reject-return"),
    path("imports/<int:pk>/undo", reject_views.import_undo, name="import-undo"),
    path("imports/<int:pk>/rows/<int:line>", reject_views.row_detail, name="row-detail"),
    path("backups/", backups.backup_list, name="backup-list"),
    path("backups/new", backups.backup_new, name="backup-new"),
    path("backups/<int:pk>/rehearse", backups.backup_rehearse, name="backup-rehearse"),
]
