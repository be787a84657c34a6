"""Addresses under /api/."""

from django.urls import path

from bookings.api import views

urlpatterns = [
    path("services/<slug:slug>/slots", views.SlotsView.as_view(), name="slots"),
    path("bookings", views.BookingsView.as_view(), name="bookings"),
    path("bookings/<uuid:booking_id>", views.BookingView.as_view(), name="booking-detail"),
    path("bookings/<uuid:booking_id>/cancel", views.CancelView.as_view(), name="booking-cancel"),
    path("bookings/<uuid:booking_id>/confirm", views.ConfirmView.as_view(), name="booking-confirm"),
    path("bookings/<uuid:booking_id>/decline", views.DeclineView.as_view(), name="booking-decline"),
    path("bookings/<uuid:booking_id>/calendar.ics", views.CalendarFileView.as_view(), name="booking-calendar"),
]
