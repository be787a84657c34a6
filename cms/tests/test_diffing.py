"""What the page of differences says, from snapshots alone."""

import pytest

from cms import diffing, selectors, snapshots
from cms.diffing import FieldChange, Part
from cms.models import Post, Project, Service
from cms.tests import factories


def changes(model, before, after, names=None):
    blank = snapshots.blank(model)
    return diffing.diff(model, {**blank, **before}, {**blank, **after}, names)


def test_equal_snapshots_have_no_differences():
    assert changes(Post, {"title": "A"}, {"title": "A"}) == []


def test_text_is_compared_by_words():
    found = changes(Post, {"title": "Shipping on Fridays"}, {"title": "Shipping late on Mondays"})
    assert found == [
        FieldChange(
            "title",
            "Title",
            "text",
            (
                Part("same", "Shipping"),
                Part("added", " late"),
                Part("same", " on"),
                Part("removed", " Fridays"),
                Part("added", " Mondays"),
            ),
        )
    ]


@pytest.mark.parametrize(("old", "new"), [("", "a b"), ("a b", ""), (" a\nb ", "a  b c\n"), ("日本 x", "日本 y")])
def test_the_parts_of_a_text_join_to_both_values(old, new):
    parts = changes(Post, {"excerpt": old}, {"excerpt": new})[0].parts
    assert "".join(part.text for part in parts if part.change != "added") == old
    assert "".join(part.text for part in parts if part.change != "removed") == new


def test_rich_text_is_compared_by_blocks():
    old = "<h2>Why</h2><p>One <strong>two</strong>.</p><ul><li><p>a</p></li></ul><hr><p>End</p>"
    new = "<h2>Why</h2><p>One two.</p><ul><li><p>a</p></li></ul><hr><p>End</p>"
    found = changes(Post, {"body": old}, {"body": new})[0]
    assert found.kind == "rich_text"
    assert [(part.change, part.html) for part in found.parts] == [
        ("same", "<h2>Why</h2>"),
        ("removed", "<p>One <strong>two</strong>.</p>"),
        ("added", "<p>One two.</p>"),
        ("same", "<ul><li><p>a</p></li></ul>"),
        ("same", "<hr>"),
        ("same", "<p>End</p>"),
    ]
    assert [part.text for part in found.parts][:3] == ["Why", "One two.", "One two."]


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        ("", []),
        ("words", ["words"]),
        ("<p>a</p>\n<p>b</p>", ["<p>a</p>", "<p>b</p>"]),
        ("<p>1 &lt; 2</p>tail", ["<p>1 &lt; 2</p>", "tail"]),
        ('<figure><img src="/x.jpg" alt="a > b"></figure><p>c<br>d</p>', None),
        ("<blockquote><p>a</p><p>b</p></blockquote>", ["<blockquote><p>a</p><p>b</p></blockquote>"]),
    ],
)
def test_blocks_are_the_outermost_elements(html, blocks):
    expected = ['<figure><img src="/x.jpg" alt="a > b"></figure>', "<p>c<br>d</p>"] if blocks is None else blocks
    assert diffing.blocks(html) == expected


def test_relations_are_added_and_removed_by_name():
    found = changes(Post, {"tags": ["1", "2"]}, {"tags": ["2", "3"]}, {"1": "One", "2": "Two"})
    assert found[0].kind == "relation"
    assert [(part.change, part.text) for part in found[0].parts] == [
        ("removed", "One"),
        ("same", "Two"),
        ("added", "3"),
    ]


def test_one_row_and_pictures_with_captions_are_relations_too():
    found = changes(Post, {"cover": "1"}, {"cover": None}, {"1": "A quiet office"})
    assert [(part.change, part.text) for part in found[0].parts] == [("removed", "A quiet office")]
    gallery = [{"media": "1", "caption": "Front"}]
    found = changes(Project, {}, {"gallery": gallery}, {"1": "A quiet office"})
    assert [(part.change, part.text) for part in found[0].parts] == [("added", "A quiet office · Front")]


def test_values_and_ordered_parts_are_compared_whole():
    found = changes(
        Service,
        {"price_kind": "on_request", "features": [{"title": "A", "text": ""}], "featured": False},
        {"price_kind": "fixed", "features": [{"title": "B", "text": "b"}], "featured": True, "price_amount": 500},
    )
    shown = {change.key: [(part.change, part.text) for part in change.parts] for change in found}
    assert shown == {
        "featured": [("removed", "No"), ("added", "Yes")],
        "price_kind": [("removed", "On request"), ("added", "Fixed price")],
        "price_amount": [("added", "500")],
        "features": [("removed", "Title: A\nText: "), ("added", "Title: B\nText: b")],
    }
    assert {change.kind for change in found} == {"value"}


def test_every_column_of_every_type_can_be_compared():
    for model in factories.MODELS.values():
        for field in (*snapshots.columns(model), *model._meta.many_to_many):
            listed = field.many_to_many or field.__class__.__name__ == "PartsField"
            value = [] if listed else "x"
            assert len(diffing.diff(model, {field.name: None}, {field.name: value})) == 1


@pytest.mark.django_db
def test_names_of_other_rows_are_found_for_both_versions():
    author, picture = factories.author("Wanjiru"), factories.asset("A quiet office")
    item = factories.live(cover=picture)
    factories.edit(item, cover=None, authors=[author])
    before, after = (snapshots.of(Post, selectors.revision(item, number)) for number in (1, 3))
    names = selectors.names_of(Post, before, after)
    assert names == {str(author.pk): "Wanjiru", str(picture.pk): "A quiet office"}
    shown = {one.key: [part.text for part in one.parts] for one in diffing.diff(Post, before, after, names)}
    assert shown == {"cover": ["A quiet office"], "authors": ["Wanjiru"]}
