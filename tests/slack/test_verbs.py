from typing import Any

import pytest

from bot.errors import Refused
from bot.playbook.model import Playbook
from bot.slack.verbs import VERBS, asks_for_service, given_by, playbook_for, region_of
from tests.slack.views import playbook


def named(*names: str, **more: Any) -> dict[str, Playbook]:
    return {name: playbook(**more).model_copy(update={"name": name}) for name in names}


def takes(**inputs: str) -> dict[str, Any]:
    return {"inputs": {name: {"type": kind} for name, kind in inputs.items()}}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_means_the_first_of_its_names_that_is_installed(verb: str) -> None:
    for number, name in enumerate(VERBS[verb].names):
        assert playbook_for(verb, {}, named(*VERBS[verb].names[number:], "other")).name == name


def test_a_service_with_a_plan_of_aws_and_no_fence_is_moved_by_its_plan() -> None:
    def from_service(name: str) -> dict[str, Any]:
        return {"inputs": {"one": {"type": "str", "from": f"service.parameters.{name}"}}}

    both = named("region-failover", **from_service("fence")) | named("switch-region", **from_service("switch_plan"))
    assert playbook_for("failover", {}, both, [{"switch_plan": "arn"}]).name == "switch-region"
    assert playbook_for("failover", {}, both, [{"switch_plan": "arn", "fence": "/f"}]).name == "region-failover"
    assert playbook_for("failover", {}, both, [{}]).name == "region-failover", "the form then asks for what is missing"


def test_the_organisations_own_playbook_goes_before_the_shipped_one_and_never_silently_back() -> None:
    both = named("region-failover", "our-failover")
    assert playbook_for("failover", {"failover": "our-failover"}, both).name == "our-failover"
    with pytest.raises(Refused, match="none is named gone"):
        playbook_for("failover", {"failover": "gone"}, both)


def test_what_is_missing_is_named_with_the_place_to_name_another() -> None:
    with pytest.raises(Refused, match=r"region-failover, switch-region.*commands:.*failover: my-playbook"):
        playbook_for("failover", {}, named("restore-table"))


def test_the_word_fills_the_input_of_the_verbs_kind() -> None:
    book = playbook(**takes(at="time", damaged="dynamodb.table", other="dynamodb.table"))
    assert given_by("restore", book, "orders") == {"damaged": "orders"}
    assert given_by("restore", book, "") == {}


def test_the_region_of_a_failover_is_the_one_to_go_to() -> None:
    regions = {"acting": "{{ to }}", "failing": "{{ leaving }}"}
    book = playbook(tier=3, regions=regions, **takes(leaving="region", to="region"))
    assert given_by("failover", book, "eu-west-1") == {"to": "eu-west-1"}
    assert region_of(book, {"to": "eu-west-1", "leaving": "us-east-1"}, "us-east-1") == "eu-west-1"
    assert region_of(book, {}, "us-east-1") == "us-east-1"


def test_a_fixed_region_is_where_choices_are_looked_up_and_a_formula_is_not_guessed() -> None:
    fixed = playbook(tier=3, regions={"acting": "us-west-2", "failing": "us-east-1"})
    formula = playbook(tier=3, regions={"acting": "{{ a or b }}", "failing": "us-east-1"})
    assert region_of(fixed, {}, "us-east-1") == "us-west-2"
    assert region_of(formula, {}, "us-east-1") == "us-east-1"


def test_a_word_that_no_input_takes_is_refused_instead_of_being_lost() -> None:
    with pytest.raises(Refused, match="does not ask for such a thing as us-west-2"):
        given_by("failback", playbook(), "us-west-2")


def test_a_playbook_asks_for_a_service_only_when_a_template_names_it() -> None:
    step = {"id": "a", "action": "a.b", "with": {"name": "{{ service.parameters.table }}"}}
    assert asks_for_service(playbook([step]))
    assert asks_for_service(playbook(inputs={"to": {"type": "region", "from": "service.parameters.standby"}}))
    assert not asks_for_service(playbook())
