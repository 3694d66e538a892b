from bot.playbook.context import RESERVED, Context
from tests.playbook.sample import context


def test_a_context_survives_being_stored_with_its_run() -> None:
    whole = context()
    assert Context.model_validate(whole.model_dump(mode="json")) == whole
    assert Context.model_validate_json(whole.model_dump_json()) == whole


def test_a_step_with_a_dash_is_found_under_both_names() -> None:
    steps = context().variables(outputs={"cut-over": {"before": "x"}})["steps"]
    assert steps["cut-over"] == steps["cut_over"] == {"before": "x"}


def test_an_input_cannot_hide_what_the_context_says() -> None:
    variables = context().variables(dict.fromkeys(RESERVED, "mine"))
    assert "mine" not in {name: value for name, value in variables.items() if name != "duration"}.values()
