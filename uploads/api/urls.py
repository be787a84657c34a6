"""Paths under `/api/`."""

from django.urls import path

from uploads.api import views

urlpatterns = [
    path("uploads/sign", views.SignUploadView.as_view()),
    path("uploads/confirm", views.ConfirmUploadView.as_view()),
    path("files/<uuid:file_id>", views.FileView.as_view()),
    path("files/<uuid:file_id>/download", views.DownloadFileView.as_view()),
]
