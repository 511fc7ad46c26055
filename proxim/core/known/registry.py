"""All devices that this one knows, and those that it has forgotten: the truth behind the file."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from proxim.core import commands as do
from proxim.core.base64url import to_base64url
from proxim.core.known import commands as known_do
from proxim.core.known import keys
from proxim.core.known.devices import Endpoint, ForgottenDevice, KnownDevice, KnownFile
from proxim.core.pairing.devices import KnownID, Verified

# 48 bits; an id is a name for this program's faces and scripts.
ID_BYTES: Final = 6
# A device has few addresses on few networks, and each is dialled for a while.
MAX_ENDPOINTS: Final = 4
# Each costs an HMAC for each request by a known device; the oldest ones go.
MAX_FORGOTTEN: Final = 200


class Registry:
    """The devices of the file, and all changes to them; each is stored at once.

    What comes before the file was read is added to it then.
    """

    def __init__(
        self,
        own_uuid: str,
        token_bytes: Callable[[int], bytes],
        wall_time: Callable[[], float],
    ) -> None:
        self.file = KnownFile()
        # Whether the file was read, so that it may be replaced.
        self.loaded = False
        self._own_uuid = own_uuid
        self._token_bytes = token_bytes
        self._wall_time = wall_time

    def load(self, file: KnownFile) -> list[do.Command]:
        """Take over what the file holds."""
        if self.loaded:
            self.file = file
            return []
        new = self.file
        self.file = replace(
            file,
            devices=(*file.devices, *new.devices),
            forgotten=(*file.forgotten, *new.forgotten),
        )
        self.loaded = True
        return self._save() if new.devices else []

    # --- finding ----------------------------------------------------------------------------------

    @property
    def listed(self) -> tuple[KnownDevice, ...]:
        """The devices that people see, by name."""
        shown = (one for one in self.file.devices if not one.pending)
        return tuple(sorted(shown, key=lambda one: (one.name.casefold(), one.id)))

    def get(self, device: KnownID) -> KnownDevice | None:
        """Find a device."""
        return next((one for one in self.file.devices if one.id == device), None)

    def name_of(self, uuid: str) -> str | None:
        """The name of the known device that belongs to this installation, if there is one."""
        return next((one.name for one in self.listed if one.uuid == uuid), None)

    def recognise(self, name: str, share: bytes) -> KnownDevice | ForgottenDevice | None:
        """Find who asks under this name with this share; nothing is proved by it.

        Always all are looked at, so that the time tells nothing.
        """
        found: KnownDevice | ForgottenDevice | None = None
        for forgotten in self.file.forgotten:
            if keys.asking_name(forgotten.name_key, share) == name:
                found = forgotten
        for device in self.file.devices:
            if keys.asking_name(keys.name_key(device.key, device.uuid), share) == name:
                found = device
        return found

    # --- changing ---------------------------------------------------------------------------------

    def add_pending(
        self, key: bytes, uuid: str, name: str, verified: Verified
    ) -> tuple[KnownID, list[do.Command]]:
        """Store the key of a device that may have stored it, too, or not."""
        now = self._wall_time()
        device = KnownDevice(
            KnownID(to_base64url(self._token_bytes(ID_BYTES))),
            *(key, uuid, name, verified, now, now),
            pending=True,
        )
        return device.id, self._change(devices=(*self.file.devices, device))

    def keep(self, device: KnownID) -> list[do.Command]:
        """Let a device count that has stored the key, too; it replaces what was kept of the same
        installation before.

        No policy is inherited, since an installation's id can be copied. The name comes with the
        new record: the person has read it beside the digits, if it is the earlier one's.
        """
        kept = self.get(device)
        if kept is None or not kept.pending:
            return []
        before = [one for one in self.file.devices if one.uuid == kept.uuid and one.id != kept.id]
        others = [one for one in self.file.devices if one not in before and one.id != kept.id]
        named = replace(kept, pending=False, name=_distinct(kept.name, others))
        return self._change(
            devices=(*others, named),
            forgotten=(*self.file.forgotten, *(self._tombstone(one) for one in before)),
        )

    def drop(self, device: KnownID) -> list[do.Command]:
        """Remove a device without a trace, because the other side does not know it."""
        return self._change(devices=tuple(one for one in self.file.devices if one.id != device))

    def forget(self, device: KnownDevice) -> list[do.Command]:
        """Remove a device, and keep what is needed to tell it so."""
        return self._change(
            devices=tuple(one for one in self.file.devices if one.id != device.id),
            forgotten=(*self.file.forgotten, self._tombstone(device)),
        )

    def rename(self, device: KnownDevice, name: str) -> list[do.Command]:
        """Give a device a name that no other has."""
        others = [one for one in self.file.devices if one.id != device.id]
        return self.update(device, name=_distinct(name, others))

    def update(self, device: KnownDevice, **changes: Any) -> list[do.Command]:
        """Change what is kept of a device."""
        changed = replace(device, **changes)
        if changed == device:
            return []
        return self._change(
            devices=tuple(changed if one.id == device.id else one for one in self.file.devices)
        )

    def reached(self, device: KnownDevice, endpoint: Endpoint | None) -> list[do.Command]:
        """Note that a device is linked, and where it can be dialled."""
        endpoints = device.endpoints
        if endpoint is not None:
            others = (one for one in endpoints if one != endpoint)
            endpoints = (endpoint, *others)[:MAX_ENDPOINTS]
        return self.update(device, last_seen=self._wall_time(), endpoints=endpoints)

    def set_discovery(self, on: bool) -> list[do.Command]:
        """Choose whether this device looks for others and is found by them."""
        return [] if on == self.file.discovery else self._change(discovery=on)

    def _tombstone(self, device: KnownDevice) -> ForgottenDevice:
        return ForgottenDevice(
            keys.name_key(device.key, device.uuid),
            keys.tombstone_key(device.key, self._own_uuid),
            self._wall_time(),
        )

    def _change(self, **changes: Any) -> list[do.Command]:
        self.file = replace(self.file, **changes)
        self.file = replace(self.file, forgotten=self.file.forgotten[-MAX_FORGOTTEN:])
        return self._save()

    def _save(self) -> list[do.Command]:
        return [known_do.SaveKnown(self.file)] if self.loaded else []


def _distinct(name: str, others: list[KnownDevice]) -> str:
    """Return the name, with a number where another device has it."""
    taken = {one.name for one in others}
    number, tried = 1, name
    while tried in taken:
        number += 1
        tried = f"{name} ({number})"
    return tried
