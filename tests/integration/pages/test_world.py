"""The shared world itself."""

from __future__ import annotations

from tests.integration.pages.world import PEOPLE, Site, led_to, subject


def test_everybody_is_who_they_are(site: Site) -> None:
    """Signed in, and known by the roles of their groups."""
    for name, groups in PEOPLE.items():
        answer = site.visitor(name).get("/v1/me")
        if name == "ned":
            assert answer.status_code == 403
            continue
        roles = {group.partition(" ")[0] for group in groups}
        assert (answer.json()["subject"], set(answer.json()["roles"])) == (subject(name), roles)


def test_a_stranger_is_led_to_the_sign_in(site: Site) -> None:
    """A page that needs a person sends nobody away."""
    with site.stranger() as nobody:
        assert led_to(nobody.get("/accounts")) == "/sign-in?return_to=%2Faccounts"
