"""Addresses of pages about hires."""

from django.urls import path

from hiring import views

app_name = "hiring"
urlpatterns = [
    path("hiring/", views.hire_list, name="hire-list"),
    path("hiring/departments/", views.department_list, name="department-list"),
    path("hiring/people/", views.person_list, name="person-list"),
]
