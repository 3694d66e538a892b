"""What an email and a call say, and how they are answered."""

from datetime import datetime

from bot.contact.email import Email
from bot.contact.voice import Line, Voice
from tests.contact.night import AT, Provider, incident, page


def now() -> datetime:
    return AT


def link(page_id: str, at: datetime) -> str:
    return f"https://dr.example.com/ack/{page_id}?<&>"


async def mail(title: str = "orders-errors", *, with_link: bool = True, person: str = "alex") -> dict[str, str]:
    provider = Provider()
    method = Email({"us-east-1": provider}, "dr@example.com", "en", now, link if with_link else None)
    await method.send(page("email", "alex@example.com", person), incident(title), again=False)
    [message] = provider.sent
    assert message["Destination"] == {"ToAddresses": ["alex@example.com"]}
    assert message["FromEmailAddress"] == "dr@example.com"
    simple = message["Content"]["Simple"]
    return {
        "subject": simple["Subject"]["Data"],
        "text": simple["Body"]["Text"]["Data"],
        "html": simple["Body"]["Html"]["Data"],
    }


async def test_an_email_has_the_link_in_both_of_its_bodies_and_by_the_persons_clock() -> None:
    said = await mail()
    assert said["subject"] == "[abcd2345] orders-errors"
    assert "Acknowledge: https://dr.example.com/ack/abcd2345.1.1.alex?<&>" in said["text"]
    assert 'href="https://dr.example.com/ack/abcd2345.1.1.alex?&lt;&amp;&gt;"' in said["html"]
    assert "22:41:07 EST" in said["text"]


async def test_without_a_public_address_it_says_how_else_to_answer() -> None:
    said = await mail(with_link=False)
    assert "lifeboat incident ack abcd2345" in said["text"]
    assert "href" not in said["html"]


async def test_a_title_that_is_html_is_shown_and_not_run() -> None:
    said = await mail("<script>alert(1)</script>")
    assert "<script>" not in said["html"]
    assert "<script>" in said["text"]


async def test_a_call_says_what_is_wrong_knows_how_to_acknowledge_and_is_made_once() -> None:
    provider = Provider()
    line = Line("us-east-1", "instance-1", "flow-1", "+12125550100", provider)
    method = Voice([line], "en", now, link)
    first = page("voice", "+12125550142")
    await method.send(first, incident(), again=False)
    await method.send(first, incident(), again=True)
    one, two = provider.sent
    assert one["ClientToken"] == two["ClientToken"], "Connect starts one call for one token"
    assert one["DestinationPhoneNumber"] == "+12125550142"
    assert (one["InstanceId"], one["ContactFlowId"], one["SourcePhoneNumber"]) == (
        "instance-1",
        "flow-1",
        "+12125550100",
    )
    assert "Press 4" in one["Attributes"]["say"]
    assert one["Attributes"]["acknowledge"].startswith("https://dr.example.com/ack/")
    await method.send(first.model_copy(update={"tries": 1}), incident(), again=False)
    assert provider.sent[2]["ClientToken"] != one["ClientToken"], "another try after a failure is another call"


async def test_a_call_is_in_the_language_of_whoever_answers() -> None:
    provider = Provider()
    await Voice([Line("r", "i", "f", "+12125550100", provider)], "en", now, None).send(
        page("voice", "+821000000001", "mina"), incident(), again=False
    )
    assert provider.sent[0]["Attributes"]["language"] == "ko"
    assert "acknowledge" not in provider.sent[0]["Attributes"]
