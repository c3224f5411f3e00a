"""IAM's eventual consistency, as the sandbox plays it: what was written takes effect later."""

from __future__ import annotations

from broker.sandbox.state.policy_delay import PolicyDelay

ROLE = "AROAEXAMPLE"
OLD, NEW, NEWER = ("old",), ("new",), ("newer",)


class Seconds:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_without_a_delay_a_change_holds_at_once() -> None:
    """As it does unless a test asks for something else."""
    delay = PolicyDelay(clock=Seconds())
    delay.note(ROLE, OLD)
    delay.note(ROLE, NEW)
    assert delay.in_force(ROLE, NEW) == NEW
    assert delay.in_force("AROAUNKNOWN", OLD) == OLD


def test_a_change_takes_effect_that_long_after_it_was_made() -> None:
    """However seldom the role is used in between; each change by itself."""
    clock = Seconds()
    delay = PolicyDelay(clock=clock)
    delay.note(ROLE, OLD)
    delay.seconds = 5
    delay.note(ROLE, NEW)
    clock.now += 2
    delay.note(ROLE, NEWER)
    seen = {}
    for after in (2, 4.9, 5, 6.9, 7):
        clock.now = 100 + after
        seen[after] = delay.in_force(ROLE, NEWER)
    assert seen == {2: OLD, 4.9: OLD, 5: NEW, 6.9: NEW, 7: NEWER}


def test_a_new_role_has_its_policies_at_once() -> None:
    """What takes long with roles that are new is another switch."""
    delay = PolicyDelay(clock=Seconds(), seconds=5)
    delay.note(ROLE, OLD)
    assert delay.in_force(ROLE, OLD) == OLD


def test_what_is_changed_after_the_delay_was_taken_back_holds_at_once() -> None:
    """Nothing that was written before may come after it."""
    clock = Seconds()
    delay = PolicyDelay(clock=clock, seconds=5)
    delay.note(ROLE, OLD)
    delay.note(ROLE, NEW)
    delay.seconds = 0
    delay.note(ROLE, NEWER)
    assert delay.in_force(ROLE, NEWER) == NEWER
    clock.now += 10
    assert delay.in_force(ROLE, NEWER) == NEWER
