"""The sandbox against AWS's recorded answers, row by row, over real HTTP."""

from collections import Counter

import pytest

from tests.integration.sandbox.observed import claims, keys, requests, roles_and_tags
from tests.integration.sandbox.observed.cases import Exchange
from tests.integration.sandbox.observed.rows import ROWS
from tests.integration.sandbox.observed.scenes import SCENES, Scene
from tests.integration.sandbox.observed.stage import Stage, play

EXCHANGES = [
    *requests.BASELINE,
    *keys.ALGORITHMS_AND_HEADER,
    *keys.KEY_CHOICE,
    *claims.SUBJECTS_AND_AUDIENCES,
    *claims.TIMES,
    *roles_and_tags.ROLES_CLAIM,
    *roles_and_tags.TAGS_AND_SOURCE_IDENTITY,
    *requests.TRUST,
    *requests.PARAMETERS,
]
CASES_BY_SECTION = {
    "1": 11,
    "2": 9,
    "3": 17,
    "4": 37,
    "5": 33,
    "6": 4,
    "7": 13,
    "8": 5,
    "9": 1,
    "10": 16,
    "11": 4,
}


@pytest.mark.parametrize("case", EXCHANGES, ids=str)
def test_exchange_is_answered_as_on_aws(case: Exchange, stage: Stage) -> None:
    """Outcome, code, HTTP status and text are those that AWS gave."""
    play(case, stage)


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_scene_goes_as_on_aws(scene: Scene, stage: Stage) -> None:
    """What takes more than one call goes as it went on AWS."""
    scene.play(stage)


def test_every_recorded_row_has_a_case() -> None:
    """No row is left out, and no case claims a row that was not recorded."""
    played = {case.row for case in [*EXCHANGES, *SCENES]}
    assert played == set(ROWS)


def test_number_of_cases_in_each_section() -> None:
    """The size of the table is said aloud, so that a lost case is noticed."""
    assert Counter(case.row.section for case in [*EXCHANGES, *SCENES]) == CASES_BY_SECTION
