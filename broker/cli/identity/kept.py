"""Sign-ins that are kept, one for each broker: in the keyring, or in a file of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from broker.cli.failures import CommandMisused
from broker.cli.identity.keyrings import Keyring, KeyringUnusable, system_keyring
from broker.cli.identity.private_folder import PrivateFolder
from broker.cli.places import KeyringUse
from broker.domain.identity.openid_provider import TerminalClient

ENDING = timedelta(seconds=60)
"""So long before its end an ID token counts as over: requests take their time."""


Parsed = TypeVar("Parsed", bound=BaseModel)


class Place(StrEnum):
    """Where a sign-in is kept."""

    KEYRING = "keyring"
    FILE = "file"


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class KeptSignIn(_Kept):
    """What is left of signing in to one broker. Both tokens are secrets."""

    issuer: str
    client_id: str
    scope: str
    provider_subject: str
    """`sub`: whoever renews it must still be the same."""
    identity_token: str = Field(repr=False)
    expires_at: AwareDatetime
    refresh_token: str | None = Field(repr=False)

    @property
    def client(self) -> TerminalClient:
        """As whom it was made; a refresh token goes nowhere but to its own provider."""
        return TerminalClient(issuer=self.issuer, client_id=self.client_id, scope=self.scope)

    def lasts(self, now: datetime) -> bool:
        """Whether it can be used without another look."""
        return now < self.expires_at - ENDING

    def good_at(self, now: datetime) -> bool:
        """Whether it can be used at all."""
        return now < self.expires_at


class _Record(_Kept):
    """What stands in the file: the sign-in, or that the keyring has it."""

    version: Literal[1] = 1
    url: str
    place: Place
    sign_in: KeptSignIn | None = None


class KeptSignIns:
    """All of them. The keyring is opened only where something is kept there, or is to be."""

    def __init__(
        self,
        folder: PrivateFolder,
        use: KeyringUse = KeyringUse.WHERE_THERE_IS_ONE,
        *,
        open_keyring: Callable[[], Keyring | None] = system_keyring,
    ) -> None:
        self._folder = folder
        self._use = use
        self._open_keyring = open_keyring

    def find(self, url: str) -> KeptSignIn | None:
        """The sign-in of this broker, or None.

        Raises CommandMisused where something is kept that cannot be had or read.
        """
        record = self._record(url)
        if record is None or record.url != url:
            return None
        if record.place is Place.FILE:
            return record.sign_in
        secret = self._in_keyring(url)
        return None if secret is None else _parsed(KeptSignIn, secret, url)

    def is_there(self, url: str) -> bool:
        """Whether anything is kept, in whatever state."""
        return self._folder.holds(_name(url))

    def place(self, url: str) -> Place | None:
        """Where it is kept, as far as the file says."""
        record = self._record(url)
        return None if record is None else record.place

    def keep(self, url: str, sign_in: KeptSignIn) -> Place:
        """Keep it instead of what was kept before, and say where."""
        place = Place.KEYRING if self._put_in_keyring(url, sign_in) else Place.FILE
        record = _Record(url=url, place=place, sign_in=sign_in if place is Place.FILE else None)
        self._folder.write(_name(url), record.model_dump_json().encode())
        return place

    def forget(self, url: str) -> None:
        """Keep nothing any more, in whatever state it is. Raises KeyringUnusable."""
        try:
            in_keyring = self.place(url) is Place.KEYRING
        except CommandMisused:
            in_keyring = self._use is KeyringUse.WHERE_THERE_IS_ONE
        keyring = self._open_keyring() if in_keyring else None
        if keyring is not None:
            keyring.remove(url)
        self._folder.remove(_name(url))

    @contextmanager
    def locked(self, url: str) -> Iterator[None]:
        """Only one process at a time renews or forgets the sign-in of a broker."""
        with self._folder.locked(_name(url)):
            yield

    def keyring_name(self) -> str | None:
        """What the keyring calls itself."""
        keyring = self._keyring()
        return None if keyring is None else keyring.name

    def file_of(self, url: str) -> str:
        """The file, for people."""
        return str(self._folder.path / _name(url))

    def _record(self, url: str) -> _Record | None:
        content = self._folder.read(_name(url))
        return None if content is None else _parsed(_Record, content, url)

    def _in_keyring(self, url: str) -> str | None:
        keyring = self._keyring()
        if keyring is None:
            return None
        try:
            return keyring.get(url)
        except KeyringUnusable as e:
            raise CommandMisused(
                f"Your sign-in is in the keyring {keyring.name}, which does not give it ({e}). "
                "Unlock it, or sign in again with BROKER_KEYRING=off."
            ) from e

    def _put_in_keyring(self, url: str, sign_in: KeptSignIn) -> bool:
        keyring = self._keyring()
        if keyring is None:
            return False
        secret = sign_in.model_dump_json()
        try:
            keyring.set(url, secret)
            # Some cut what is long, and some say yes and keep nothing.
            if keyring.get(url) == secret:
                return True
            keyring.remove(url)
        except KeyringUnusable:
            return False
        return False

    def _keyring(self) -> Keyring | None:
        return None if self._use is KeyringUse.NEVER else self._open_keyring()


def _name(url: str) -> str:
    """A file's name that says nothing and cannot be led astray."""
    return hashlib.sha256(url.encode()).hexdigest()[:32] + ".json"


def _parsed(model: type[Parsed], text: str | bytes, url: str) -> Parsed:
    try:
        return model.model_validate_json(text)
    except ValidationError:
        # Not chained: what stands there is a secret, or half of one.
        raise CommandMisused(
            f"What is kept of your sign-in to {url} cannot be read by this version. "
            "Run `broker login` again."
        ) from None
