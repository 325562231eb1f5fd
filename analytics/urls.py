"""Addresses of reports as files, under /api/v1/analytics/."""

from django.urls import path

from analytics.api import ReportFile

urlpatterns = [path("<slug:slug>.<str:suffix>", ReportFile.as_view(), name="report")]
