"""Addresses of the pages."""

from django.urls import path

from payments import pages

app_name = "payments"

urlpatterns = [
    path("pay/return", pages.back, name="return"),
    path("pay/<uuid:booking_id>", pages.pay, name="pay"),
    path("pay/<uuid:booking_id>/intent", pages.intent, name="intent"),
    path("pay/<uuid:booking_id>/status", pages.status, name="status"),
    path("pay/<uuid:booking_id>/receipt", pages.receipt, name="receipt"),
]
