"""The same list as DRF's tutorial would write it, by somebody who knows prefetching: the baseline of cold reads."""

from django.urls import include, path
from rest_framework import routers, serializers, viewsets

from cms.models import Author, Category, MediaAsset, Post, Tag


class PictureSerializer(serializers.ModelSerializer):
    """A picture as it is stored."""

    class Meta:
        model = MediaAsset
        fields = ("alt", "focal_x", "focal_y", "image")


class AuthorSerializer(serializers.ModelSerializer):
    """An author."""

    avatar = PictureSerializer()

    class Meta:
        model = Author
        fields = ("slug", "name", "avatar")


class CategorySerializer(serializers.ModelSerializer):
    """A category."""

    class Meta:
        model = Category
        fields = ("slug", "name")


class TagSerializer(serializers.ModelSerializer):
    """A tag."""

    class Meta:
        model = Tag
        fields = ("slug", "name")


class PostSerializer(serializers.ModelSerializer):
    """The keys of our list rows."""

    cover = PictureSerializer()
    authors = AuthorSerializer(many=True)
    category = CategorySerializer()
    tags = TagSerializer(many=True)

    class Meta:
        model = Post
        fields = (
            "id",
            "slug",
            "title",
            "excerpt",
            "cover",
            "authors",
            "category",
            "tags",
            "pinned",
            "reading_minutes",
            "featured",
            "position",
            "published_at",
            "updated_at",
        )


class PostViewSet(viewsets.ModelViewSet):
    """All actions on posts, as `ModelViewSet` has them; only the list is measured."""

    queryset = (
        Post.objects.live()
        .select_related("cover", "category")
        .prefetch_related("authors__avatar", "tags")
        .order_by("-pinned", "-published_at", "id")
    )
    serializer_class = PostSerializer


router = routers.DefaultRouter(trailing_slash=False)
router.register("blogs", PostViewSet)
urlpatterns = [path("api/", include(router.urls))]
