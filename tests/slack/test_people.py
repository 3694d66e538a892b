from datetime import timedelta

import pytest

from bot.config import Config
from bot.rehearsal.slack import Fault
from bot.slack.people import People
from escalation.loading import Directory
from tests.slack.office import Office


@pytest.fixture
def people(office: Office) -> People:
    """Mina without a language of her own, so that Slack is asked."""
    known = office.core.directory
    silent = known.people["mina"].model_copy(update={"language": None})
    directory = Directory(people={**known.people, "mina": silent}, schedules=known.schedules, policies=known.policies)
    return People(office.core.store, office.slack, directory, Config(language="en", zone="Europe/Rome"))


async def test_people_yaml_says_first_how_somebody_is_spoken_to(office: Office, people: People) -> None:
    words = await people.reader("UJUN")
    assert (words.known, words.zone) == ("ko", "Asia/Seoul")
    assert not office.tries("users.info")


async def test_slack_is_asked_for_what_people_yaml_does_not_say(people: People) -> None:
    words = await people.reader("UMINA")
    assert (words.known, words.zone) == ("ko", "Asia/Seoul")


async def test_a_stranger_is_spoken_to_as_slack_says(people: People) -> None:
    words = await people.reader("UGUEST")
    assert (words.known, words.zone) == ("ko", "Asia/Tokyo")


async def test_slack_is_asked_once_a_day_and_not_more(office: Office, people: People) -> None:
    for _ in range(3):
        await people.reader("UGUEST")
    assert office.tries("users.info") == 1
    office.core.clock.advance(timedelta(days=1, seconds=1))
    await people.reader("UGUEST")
    assert office.tries("users.info") == 2


@pytest.mark.parametrize("kind", ["ratelimited", "server_error", "refused", "lost_answer"])
async def test_when_slack_does_not_say_the_configuration_does(office: Office, people: People, kind: str) -> None:
    office.local.faults.add(Fault(kind, "users.info"))  # type: ignore[arg-type]  # parametrised
    words = await people.reader("UGUEST")
    assert (words.known, words.zone) == ("en", "Europe/Rome")


async def test_what_was_known_yesterday_is_better_than_nothing(office: Office, people: People) -> None:
    await people.reader("UGUEST")
    office.core.clock.advance(timedelta(days=2))
    office.local.faults.add(Fault("server_error", "users.info"))
    assert (await people.reader("UGUEST")).known == "ko"


async def test_a_zone_that_nobody_knows_does_not_break_a_page(office: Office, people: People) -> None:
    assert people._zone("Mars/Olympus") == people._zone("") == people._zone(None) == "Europe/Rome"


async def test_an_outsider_never_acts_as_one_of_ours(office: Office, people: People) -> None:
    await office.slack.me()
    ours = office.local.workspace.id
    assert people.actor("UMINA", ours) == "mina"
    for team in ("T0OTHER", "", None):
        assert people.is_outsider(team)
        assert people.actor("UMINA", team) == "<@UMINA>"


def test_before_we_know_who_we_are_everybody_is_an_outsider(people: People) -> None:
    assert people.slack.identity is None
    assert people.actor("UMINA", "T0LOCAL") == "<@UMINA>"


async def test_a_stranger_of_our_workspace_acts_under_their_slack_name(office: Office, people: People) -> None:
    await office.slack.me()
    assert people.actor("UGUEST", office.local.workspace.id) == "<@UGUEST>"


@pytest.mark.parametrize(
    ("actor", "shown"),
    [
        ("mina", "Mina Park"),
        ("<@UGUEST>", "<@UGUEST>"),
        ("cli:root", "root (command line)"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<@U1> <!here>", "&lt;@U1&gt; &lt;!here&gt;"),
        ("cli:<!here>", "&lt;!here&gt; (command line)"),
    ],
)
async def test_an_actor_is_shown_by_name_and_pings_nobody(people: People, actor: str, shown: str) -> None:
    assert people.display(actor, people.everyone) == shown


async def test_actors_have_slack_ids_only_when_they_are_in_slack(people: People) -> None:
    found = [people.slack_id(actor) for actor in ("mina", "<@UGUEST>", "cli:root", "nobody", "<!channel>")]
    assert found == ["UMINA", "UGUEST", None, None, None]
