"""Addresses of pages about the world outside."""

from django.urls import path

from market import views

app_name = "market"
urlpatterns = [
    path("salaries/", views.salary_list, name="salary-list"),
    path("salaries/rows/", views.salary_rows, name="salary-rows"),
]
