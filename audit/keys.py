"""Which keys sign the seals and which verify them.

Those of AUDIT_SIGNING_KEY come first. Where it is not set, a key that this back end made for itself signs: its private
half lies in its row, sealed under FIELD_KEY.
"""

from django.conf import settings

from audit.models import AuditSigningKey
from audit.signatures import Signer, key_id
from common import crypto


def from_environment() -> list[Signer]:
    """The keys of AUDIT_SIGNING_KEY, newest first."""
    return [Signer(seed) for seed in settings.AUDIT_SIGNING_KEYS]


def seal(seed: bytes, name: str) -> bytes:
    """What the row of that key keeps of its private half."""
    return crypto.encrypt(seed, aad=_aad(name))


def unseal(row: AuditSigningKey) -> Signer | None:
    """The row's key, or None when it has no private half, or one that no listed FIELD_KEY opens, or another's."""
    if row.private_ciphertext is None:
        return None
    try:
        signer = Signer(crypto.decrypt(bytes(row.private_ciphertext), aad=_aad(row.key_id)))
    except crypto.DecryptionFailed:
        return None
    return signer if signer.public_key == bytes(row.public_key) else None


def signer() -> Signer | None:
    """The key that signs now, or None where none was made yet."""
    listed = from_environment()
    if listed:
        return listed[0]
    opened = map(unseal, AuditSigningKey.objects.exclude(private_ciphertext=None).order_by("-created_at"))
    return next((one for one in opened if one is not None), None)


def public_keys() -> dict[str, bytes]:
    """Every key that may have signed, by its id. A row whose id does not follow from its key is left out."""
    rows = {row.key_id: bytes(row.public_key) for row in AuditSigningKey.objects.all()}
    known = {name: key for name, key in rows.items() if key_id(key) == name}
    return known | {one.key_id: one.public_key for one in from_environment()}


def ours() -> frozenset[str]:
    """The ids of the keys whose private half this back end holds: nobody else can have signed with them."""
    opened = map(unseal, AuditSigningKey.objects.exclude(private_ciphertext=None))
    return frozenset(one.key_id for one in (*opened, *from_environment()) if one is not None)


def _aad(name: str) -> str:
    return f"audit.AuditSigningKey.private:{name}"
