"""Paths of the seed systems: thin aliases over the same services; their clients change only the host."""

from django.urls import path

from accounts import api as people
from hiring import api as hires
from hiring.reports import ABOVE_MEAN
from ingest import batch_api as batches
from ingest import table_api as tables
from market import api as salaries

app_name = "seed"
urlpatterns = [
    path("api/users/", people.Register.as_view(), name="users"),
    path("api/users/login", people.Login.as_view(), name="users-login"),
    path("api/users/me", people.Me.as_view(), name="users-me"),
    path("api/jobs/ingest/upload", salaries.Upload.as_view(), name="ingest-upload"),
    path("api/jobs/ingest/map", salaries.Map.as_view(), name="ingest-map"),
    path("api/jobs/ingest/tasks/<str:task_id>", salaries.Task.as_view(), name="ingest-task"),
    path("api/jobs/analytics/salary/summary", salaries.SalarySummary.as_view(), name="salary-summary"),
    path("api/jobs/analytics/stack/compare", salaries.StackCompare.as_view(), name="stack-compare"),
    path("api/v1/upload/csv/<str:table>", tables.TableUpload.as_view(), name="table-upload"),
    path("api/v1/task/<str:task_id>", tables.TableTask.as_view(), name="table-task"),
    path("api/v1/batch/<str:table>", batches.TableBatch.as_view(), name="table-batch"),
    path("insert", batches.TableInsert.as_view(), name="table-insert"),
    path("api/v1/analytics/hired/by-quarter", hires.HiredByQuarter.as_view(), name="hired-by-quarter"),
    path(
        "api/v1/analytics/departments/above-average",
        hires.DepartmentsAboveAverage.as_view(),
        name="departments-above-average",
    ),
    path("metrics/hired-employees-by-quarter", hires.QuarterMetrics.as_view(), name="metrics-by-quarter"),
    path("metrics/departments-above-average-hiring", hires.MeanMetrics.as_view(), name="metrics-above-mean"),
    path("visuals/hired-employees-by-quarter", hires.Visual.as_view(), name="visual-by-quarter"),
    path(
        "visuals/departments-above-average-hiring",
        hires.Visual.as_view(report=ABOVE_MEAN),
        name="visual-above-mean",
    ),
]
