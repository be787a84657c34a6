"""The addresses of the public site; `/services/{slug}/book` belongs to bookings, which is asked before."""

from django.urls import path

from cms.pages import site
from cms.types.post import page as post
from cms.types.project import page as project
from cms.types.service import page as service
from cms.types.settings import page as legal
from cms.types.testimonial import page as testimonial

app_name = "cms"
urlpatterns = [
    path("", site.home, name="home"),
    path("services", service.index, name="services"),
    path("services/<slug:slug>", service.detail, name="service"),
    path("projects", project.index, name="projects"),
    path("projects/<slug:slug>", project.detail, name="project"),
    path("testimonials", testimonial.index, name="testimonials"),
    path("blog", post.index, name="blog"),
    path("blog/tags/<slug:slug>", post.by_tag, name="blog_tag"),
    path("blog/archive/<int:year>", post.by_year, name="blog_archive"),
    path("blog/<slug:slug>", post.detail, name="post"),
    path("contact", site.contact, name="contact"),
    path("privacy", legal.privacy, name="privacy"),
    path("terms", legal.terms, name="terms"),
]
