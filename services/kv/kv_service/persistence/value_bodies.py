"""Bodies that are too large for an item: each is stored in an object of its own (docs/adr/0024)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from kv_common.errors import Unavailable

if TYPE_CHECKING:
    from kv_service.namespaces.model import NamespaceRef
    from kv_service.persistence.s3_objects import ObjectStore
    from kv_service.values.model import Version


class ValueBodies:
    """Brings texts into objects and back; no round trip for those in their items."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    def load(self, space: NamespaceRef, found: Version) -> Version | None:
        """Return a version with its body, or None if the key has been overwritten since it was read."""
        if found.object_id is None:
            return found
        text = self._objects.get_value(space.namespace_id, found.object_id)
        return None if text is None else replace(found, text=text.decode())

    def offload(self, space: NamespaceRef, version: Version) -> Version:
        """Return a version that fits into an item: where its text does not, an object holds it, and waits to be named.

        An item may begin to name it in a transaction only, whose token lets that happen once, however often it is
        sent: an object must not be named again after another write has taken it out of the item.
        """
        if version.object_id is not None or not version.is_large:
            return version
        placed = replace(version, object_id=version.etag)  # as unique as the name of an object has to be
        self._objects.put_value(space.namespace_id, version.etag, (version.text or "").encode())
        return placed

    def discard(self, space: NamespaceRef, placed: Version) -> None:
        """Remove the object that a version was placed in whose item was refused; it goes by itself otherwise.

        To be done only when that is known. An item may have been written though no answer came.
        """
        if placed.object_id is not None:
            with suppress(Unavailable):
                self._objects.delete_value(space.namespace_id, placed.object_id)
