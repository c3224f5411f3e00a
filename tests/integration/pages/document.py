"""An HTML page as tests look at it: its text, its links, its forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
_SPACE = re.compile(r"\s+")


@dataclass
class Form:
    """A form with what it would send as it stands, and the labels of its buttons."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    buttons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Link:
    """Where a link leads, and what it is called."""

    address: str
    label: str
    attributes: dict[str, str]


@dataclass
class Document(HTMLParser):
    """The page that is made of `html`."""

    html: str
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    labelled_around: list[dict[str, str]] = field(default_factory=list)
    """Fields that stand inside of their labels."""
    _words: list[str] = field(default_factory=list)
    _open: list[tuple[str, dict[str, str], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self.feed(self.html)
        self.close()
        assert not self._open, f"not closed: {[name for name, *_ in self._open]}"

    @property
    def text(self) -> str:
        """All of its words, with single spaces between them."""
        return _SPACE.sub(" ", "".join(self._words)).strip()

    @property
    def actions(self) -> set[str]:
        """Where its forms lead, those aside that stand on every page."""
        return {form.action for form in self.forms} - {"/sign-out", "/search"}

    @property
    def addresses(self) -> set[str]:
        """Where its links lead."""
        return {link.address for link in self.links}

    def form(self, action: str) -> Form:
        """The one form that leads there."""
        (found,) = [form for form in self.forms if form.action == action]
        return found

    def link(self, label: str) -> Link:
        """The one link of that label."""
        (found,) = [link for link in self.links if link.label == label]
        return found

    def unlabelled(self) -> list[dict[str, str]]:
        """Fields that nobody could tell apart without seeing them."""
        named = {given["for"] for tag, given in self.tags if tag == "label" and "for" in given}
        fields = [given for tag, given in self.tags if tag in ("input", "select", "textarea")]
        return [
            given
            for given in fields
            if given.get("type") != "hidden"
            and given.get("id") not in named
            and "aria-label" not in given
            and given not in self.labelled_around
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given.get("action", "")))
        if tag in ("input", "select", "textarea", "button") and "name" in given:
            self._note_field(tag, given)
        if tag == "input" and any(name == "label" for name, *_ in self._open):
            self.labelled_around.append(given)
        if tag not in _VOID:
            self._open.append((tag, given, len(self._words)))
        self._words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        opened, given, begins = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        label = _SPACE.sub(" ", "".join(self._words[begins:])).strip()
        if tag == "a":
            self.links.append(Link(given.get("href", ""), label, given))
        if tag == "button" and self.forms:
            self.forms[-1].buttons.append(given.get("aria-label", label))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), label))
        self._words.append(" ")

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def _note_field(self, tag: str, given: dict[str, str]) -> None:
        form = self.forms[-1]
        form.names.add(given["name"])
        is_choice = given.get("type") in ("checkbox", "radio")
        if tag == "input" and (not is_choice or "checked" in given):
            form.fields[given["name"]] = given.get("value", "on" if is_choice else "")
