"""Addresses under /api/."""

from django.urls import include, path

from payments.api import staff, views

urlpatterns = [
    path("payments", views.PaymentsView.as_view(), name="payments"),
    path("payments/config", views.PaymentsConfigView.as_view(), name="payments-config"),
    path("payments/create-intent", views.CreateIntentView.as_view(), name="create-intent"),
    path("payments/<uuid:payment_id>", views.PaymentView.as_view(), name="payment-detail"),
    path("payments/<uuid:payment_id>/cancel", views.CancelPaymentView.as_view(), name="payment-cancel"),
    path("payments/<uuid:payment_id>/capture", views.CapturePaymentView.as_view(), name="payment-capture"),
    path("payments/<uuid:payment_id>/refunds", staff.RefundsView.as_view(), name="payment-refunds"),
    path("payments/<uuid:payment_id>/events", staff.PaymentEventsView.as_view(), name="payment-events"),
    path("payments/offline", staff.OfflinePaymentView.as_view(), name="payments-offline"),
    path("", include("payments.webhooks.urls")),
]
