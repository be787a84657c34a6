"""The rich-text editor on forms, under a name that readers of screens can say."""

from django.forms import Media
from django_prose_editor.widgets import AdminProseEditorWidget
from js_asset import Script

LABELS = Script("js/editor-label.js", type="module")


class LabelledEditor(AdminProseEditorWidget):  # type: ignore[misc]  # the package has no types
    """The editor with the script that gives it the label of its field; it comes with every form that has one."""

    @property
    def media(self) -> Media:
        """What the editor needs, and the script."""
        needed: Media = super().media
        return needed + Media(js=[LABELS])
