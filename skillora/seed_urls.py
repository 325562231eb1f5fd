"""Paths of the seed systems: thin aliases over the same services; their clients change only the host."""

from django.urls import path

from accounts import api as people
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
]
