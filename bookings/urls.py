"""Addresses of the pages."""

from django.urls import path

from bookings.pages import details, manage, picker

app_name = "bookings"

urlpatterns = [
    path("services/<slug:slug>/book", picker.pick, name="pick"),
    path("services/<slug:slug>/book/details", details.details, name="details"),
    path("b/<str:token>", manage.enter, name="enter"),
    path("bookings/<uuid:booking_id>", manage.show, name="show"),
    path("bookings/<uuid:booking_id>/cancel", manage.cancel, name="cancel"),
    path("bookings/<uuid:booking_id>/files/<uuid:file_id>", manage.file, name="file"),
    path("bookings/<uuid:booking_id>/calendar.ics", manage.calendar, name="calendar"),
]
