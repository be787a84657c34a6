"""Rows and clients for tests of every app."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.test import Client
from django_otp import DEVICE_ID_SESSION_KEY
from rest_framework.test import APIClient

from accounts import selectors
from accounts.actions import roles, sessions
from accounts.constants import ADMIN_SESSION_KEY
from accounts.models import Session, User
from common.actor import Actor
from common.clock import db_now

PASSWORD = "correct-horse-battery-77"


def make_roles() -> None:
    """Write the roles once a test."""
    if not Group.objects.exists():
        roles.sync(by=Actor.operator())


def make_user(email: str = "ana@example.com", *, held: tuple[str, ...] = ("Owner",), **values: Any) -> User:
    """A user with these roles and PASSWORD."""
    make_roles()
    password = make_password(values.pop("password", PASSWORD))
    user = User.objects.create(email=email, password=password, created_at=db_now(), **values)
    user.groups.set(Group.objects.filter(name__in=held))
    return user


def sign_in(user: User, client: APIClient | None = None) -> APIClient:
    """A client with an access token of a fresh session of the user."""
    client = client or APIClient()
    client.default_format = "json"
    pair = sessions.open(user=user, amr=["pwd"], transport=Session.Transport.BODY, now=db_now())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client


def open_admin(client: Client, user: User) -> Session:
    """Give a client that Django has logged in the session row that the admin asks for."""
    amr, now = ["pwd"], db_now()
    browser = client.session
    if factor := selectors.second_factor(user):
        amr = ["pwd", "otp"]
        browser[DEVICE_ID_SESSION_KEY] = factor.persistent_id
    row = sessions.new(user=user, amr=amr, transport=Session.Transport.ADMIN, now=now)
    row.save(force_insert=True)
    browser[ADMIN_SESSION_KEY] = str(row.pk)
    browser.save()
    return row


def staff(*held: str, email: str = "") -> tuple[User, APIClient]:
    """A user with these roles (Owner unless named) and a client that is signed in as that user."""
    names = held or ("Owner",)
    user = make_user(email or f"{'-'.join(names).lower()}@example.com", held=names)
    return user, sign_in(user)
