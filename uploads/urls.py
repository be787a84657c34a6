"""Paths of local storage; with S3 they answer 404, for the store has its own."""

from django.urls import path

from uploads import pages

urlpatterns = [
    path("uploads/put/<str:token>", pages.put_object, name="uploads-put"),
    path("uploads/get/<str:token>", pages.get_object, name="uploads-get"),
    path("media/<path:key>", pages.media, name="media"),
]
