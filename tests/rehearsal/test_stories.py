"""What a playbook is rehearsed against, with and without a fault that the reader names."""

import pytest

from bot.rehearsal.stories import STORIES, story_of
from escalation.errors import BadValue


def test_without_a_fault_of_the_readers_it_is_the_playbooks_own() -> None:
    assert story_of("restart-service") == STORIES["restart-service"]


def test_a_named_fault_takes_the_place_of_the_playbooks_own_but_not_of_its_inputs() -> None:
    told = story_of("whole-service-restore", ["table:orders"])
    assert told.breaks == ["table:orders"]
    assert told.inputs == STORIES["whole-service-restore"].inputs


@pytest.mark.parametrize(
    ("playbook", "fault"), [("return-to-zone", "zone:use1-az2"), ("region-failback", "region:us-east-1")]
)
def test_a_playbook_that_goes_back_still_begins_with_what_it_comes_back_from(playbook: str, fault: str) -> None:
    told = story_of(playbook, [fault])
    assert (told.before, told.breaks, told.then) == (STORIES[playbook].before, [fault], [])


def test_what_a_playbook_could_not_come_back_from_breaks_on_the_way_back() -> None:
    told = story_of("region-failback", ["throttle:dynamodb"])
    assert (told.breaks, told.then) == (STORIES["region-failback"].breaks, ["throttle:dynamodb"])


def test_a_playbook_of_the_readers_own_has_no_story_but_the_fault() -> None:
    assert story_of("mine", ["tasks:web"]).breaks == ["tasks:web"]
    assert story_of("mine").breaks == ()


def test_what_cannot_be_broken_is_told() -> None:
    with pytest.raises(BadValue, match="is nothing that can be broken"):
        story_of("region-failback", ["zon:use1-az1"])
