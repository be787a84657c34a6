"""What content actions refuse."""

from common.errors import Conflict, Unprocessable


class InvalidTransition(Conflict):
    """The item's state does not allow this move; members `state` and `allowed`."""

    code = "invalid_transition"
    title = "The item cannot do this now"
    about = "The state of the item does not allow this step. `state` is where it stands, `allowed` lists its steps."


class SlugTaken(Conflict):
    """Another item of this type uses the slug, live or in a draft."""

    code = "slug_taken"
    title = "The slug is taken"
    about = "Another item of the same type has this slug, in what is public or in a draft. Choose another one."


class InUse(Conflict):
    """Something still refers to it."""

    code = "in_use"
    title = "It is still in use"
    about = "Other content refers to this. Take it out there first, then remove it."


class FileNotReady(Conflict):
    """The picture's file was not processed, or was refused."""

    code = "file_not_ready"
    title = "The file is not ready"
    about = (
        "A picture needs a file that was uploaded, checked and processed. Wait for the processing, or upload it again."
    )


class EndpointOff(Conflict):
    """Nothing is sent to an endpoint that is switched off or gone."""

    code = "endpoint_off"
    title = "The webhook is switched off"
    about = "Nothing is sent to a publish webhook that is switched off. Switch it on first."


class NotPublishable(Unprocessable):
    """Something is missing; `errors` has a pointer to each thing."""

    code = "not_publishable"
    title = "Something is missing before this can be published"
    about = "Drafts may be incomplete, public content may not. `errors` points at each thing that is missing."


class DeliveryFailed(Exception):
    """An endpoint did not take a webhook's message; the job is tried again."""
