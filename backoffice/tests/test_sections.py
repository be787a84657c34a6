"""The menu: the docs lead people by its headings, so every page has its place under one that says what it is."""

from django.contrib import admin

from backoffice.sections import SECTIONS


def test_every_page_of_the_admin_has_its_place():
    placed = {name for section in SECTIONS for name in section.models}
    assert {model._meta.label for model in admin.site._registry} - placed == set()
