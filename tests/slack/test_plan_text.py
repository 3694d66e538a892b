from dataclasses import replace

from bot.errors import phrase
from bot.language import Words
from bot.playbook.action import StepPlan
from bot.slack.plan_text import details, overview, short
from tests.report.test_plan_facts import plan, step

EN = Words("en", "UTC")


def test_the_overview_is_one_harmless_line_for_each_fact() -> None:
    whole = plan(step(problem=phrase("{x}", x="<!channel>\nfell & broke")), missing=("ssm:PutParameter",))
    assert overview(whole, EN).split("\n") == [
        "🚫 Step go: &lt;!channel&gt; fell &amp; broke",
        "⚠️ IAM permissions that seem to be missing: ssm:PutParameter",
    ]
    assert overview(plan(step()), EN) == ""


def test_a_long_overview_says_how_much_more_there_is() -> None:
    many = plan(*(step(f"s{n}", problem=phrase("No.")) for n in range(20)))
    assert len(overview(many, EN).split("\n")) == 15
    assert overview(many, EN).endswith("and 6 more")


def test_elements_stand_below_their_step_each_with_its_own_warnings() -> None:
    each = (step("go[0]", StepPlan(warnings=(phrase("careful"),))), step("go[1]", problem=phrase("No.")))
    text = "\n".join(details(step(elements=each, listed=True, undo="pointer.put"), EN, "eu-west-1"))
    assert text.count("Taken back by") == 1
    assert text.index("go[0]") < text.index("careful") < text.index("go[1]") < text.index("🚫 No.")


def test_an_element_is_named_by_its_item() -> None:
    each = (replace(step("go[0]"), item="shop-web"), replace(step("go[1]"), item="<!here>"))
    text = "\n".join(details(step(elements=each, listed=True), EN))
    assert "• `shop-web`" in text
    assert "go[0]" not in text
    assert "<!here>" not in text


def test_a_step_that_is_left_out_shows_no_parameters() -> None:
    text = "\n".join(details(step(when="{{ x }}", holds=False), EN))
    assert "Left out" in text
    assert "pointer.put" not in text


def test_whole_pieces_are_shown_or_none() -> None:
    text, cut = short(1, step(when="{{ x }}"), "Go", EN, 90)
    assert cut
    assert text == "*1. Go* · changes\n⚠️ Only if this holds when its turn comes: {{ x }}"
