"""The Korean reads like one person's Korean: the rules at the top of lifeboat.po, where a program can hold them."""

import ast
import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

from bot.config import Config
from bot.contact.sms import text as sms
from bot.language import LOCALE, Words
from bot.rehearsal.slack.blocks import check_message, check_view
from bot.slack import plain_forms, summaries
from bot.slack.blocks import Message
from bot.slack.card import card
from bot.slack.home_view import home
from bot.slack.meant import which
from bot.slack.page_message import page_message
from bot.slack.plan_view import plan_view
from bot.slack.run_message import run_message
from bot.slack.views import modal
from tests.slack import views

ROOT = Path(__file__).parent.parent
KO = Words("ko", "Asia/Seoul")
with (LOCALE / "ko" / "LC_MESSAGES" / "lifeboat.po").open("rb") as _file:
    KOREAN = {str(entry.id): str(entry.string) for entry in read_po(_file) if entry.id and entry.string}

FIELD = r"\{[a-z_]+(?::[^{}]*)?\}"
HANGUL = "[가-힣]"
#: What is the same in every language: code, addresses, and fields.
UNTRANSLATED = re.compile(rf"`[^`]*`|https?://\S+|{FIELD}|/dr\b[ a-z]*|lifeboat [a-z ]+")


def offenders(pattern: str, flags: re.RegexFlag = re.NOFLAG) -> list[str]:
    return [text for text in KOREAN.values() if re.search(pattern, text, flags)]


def said_in_code() -> Iterator[str]:
    """Also where Babel does not look: inside an f-string, or said by the result of a call."""
    for file in (*(ROOT / "bot").rglob("*.py"), *(ROOT / "escalation").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(func=ast.Name("_" | "N_") | ast.Call(), args=[ast.Constant(str(text)), *_]):
                    yield text


def test_whatever_the_code_says_is_known_in_korean() -> None:
    """One that the script does not find is said where the extractor cannot see it: give it a line of its own."""
    assert {text for text in said_in_code() if text not in KOREAN} == set()


def test_no_sentence_is_left_in_english() -> None:
    left = [text for text in KOREAN.values() if len(re.findall(r"[A-Za-z]{2,}", UNTRANSLATED.sub("", text))) > 1
            and not re.search(HANGUL, text) and text != "Contributor Insights"]  # fmt: skip
    assert left == []


@pytest.mark.parametrize(
    "pair", ["을(를)", "를(을)", "은(는)", "는(은)", "이(가)", "가(이)", "와(과)", "과(와)", "(으)로", "(이)"]
)
def test_no_particle_is_left_for_the_reader_to_choose(pair: str) -> None:
    assert offenders(re.escape(pair)) == []


def test_no_particle_that_depends_on_a_consonant_follows_a_field() -> None:
    assert offenders(rf"{FIELD}['\"]?(은|는|이|가|을|를|과|와|으로|로|이라는|라는|이나|나|아|야)(?!{HANGUL})") == []


#: Where the English says this, the Korean says that. To be seen without code, file names and YAML keys.
TERMS = {
    r"abort": "중단", r"acknowledg": "응답", r"alarm": "알람", r"approv": "승인", r"button": "버튼", r"certificate": "인증서",
    r"channel": "채널", r"credential": "자격 증명", r"database": "데이터베이스", r"declare": "선언", r"deploy": "배포",
    r"drill": "훈련", r"escalat(?!ion polic)": "에스컬레이션", r"fail\w* over": "페일오버", r"(this|open the) form\b": "양식",
    r"incident": "인시던트", r"level": "레벨", r"on call\b": "당번", r"(?<!Health )(?<!web )pag(es?|ed|ing)\b": "호출",
    r"parameter": "파라미터", r"(?<!& )permission": "권한", r"plan\b": "계획", r"playbook": "플레이북", r"recover(ed|y)?\b": "복구",
    r"region": "리전", r"resolve": "해결", r"restore": "복원", r"retr(y|ies)\b": "재시도", r"role\b": "역할",
    r"roll\w* back": "롤백", r"schedule": "스케줄", r"service": "서비스", r"signature": "서명", r"skip(?!ped\W*$)": "건너",
    r"step": "단계", r"subscription": "구독", r"tables?\b": "테이블", r"tasks?\b": "태스크", r"tier\b": "티어",
    r"timeline": "타임라인", r"topic": "토픽",
}  # fmt: skip
NAMES = re.compile(r"\b\w+(\.\w+)+|\b\w+\.(?=\{)|\b\w+:(?= )|\b\w+://\S+")
PLAIN = {message: UNTRANSLATED.sub("", NAMES.sub("", message)) for message in KOREAN}


@pytest.mark.parametrize(("english", "korean"), TERMS.items(), ids=TERMS.values())
def test_one_thing_has_one_word(english: str, korean: str) -> None:
    meant = [message for message, plain in PLAIN.items() if re.search(rf"\b{english}", plain, re.IGNORECASE)]
    assert meant, f"no message says {english} any more: take it out of the table"
    assert [(message, KOREAN[message]) for message in meant if korean not in KOREAN[message]] == []


#: What others say and we do not, and what we say instead. Only words that can mean nothing else here.
FORBIDDEN = {
    r"경보|얼럿": "알람", r"인시던스|인씨던트": "인시던트", r"에스컬레이트|상위 보고": "에스컬레이션", r"페이징|호출기": "호출",
    r"당직|온-콜|온 콜": "온콜 당번", r"플레이 북": "플레이북", r"리스토어|원복": "복원, or 복구 of a service", r"인지했|인지함|애크": "응답",
    r"장애 ?조치": "페일오버", r"롤 백": "롤백", r"스킵": "건너뛰기", r"리트라이": "재시도", r"가용영역|가용존|가용 존": "가용 영역",
    r"매개 ?변수|파라메터": "파라미터", r"자격증명|크리덴셜": "자격 증명", r"모달|입력 폼": "양식", r"커맨드 ?라인": "명령줄",
    r"스케쥴|당번표": "스케줄", r"메세지": "메시지", r"타스크": "태스크", r"데이타|디비": "데이터, 데이터베이스", r"챈널|대화방": "채널",
    r"디플로이": "배포", r"로드밸런서": "로드 밸런서", r"Lifeboat(은|이|을|과|으로)(?![가-힣])": "Lifeboat는/가/를",
    r"Slack(는|가|를|와|로)(?![가-힣])": "Slack은/이/을", r"(AWS|SNS|ECS|DynamoDB)(은|이|을|과|으로)(?![가-힣])": "AWS는/가/를",
}  # fmt: skip


@pytest.mark.parametrize(("variant", "ours"), FORBIDDEN.items(), ids=FORBIDDEN.values())
def test_no_other_word_is_used(variant: str, ours: str) -> None:
    assert offenders(variant) == [], f"say {ours}"


def test_sentences_keep_one_register() -> None:
    assert offenders(r"(해요|예요|이에요|할게요|드립니다|주세요|하십시오|바랍니다|당신|귀하)") == []


#: Slack draws `*bold*` and `code` only where no letter touches them, and Korean has no space before a particle.
TOUCHING = re.compile(rf"(?P<mark>[*`])[^*`\n]+(?P=mark){HANGUL}|{HANGUL}(?P<other>[*`])[^*`\n]+(?P=other)")


def test_no_korean_letter_touches_markup_in_the_catalogue() -> None:
    assert [text for text in KOREAN.values() if TOUCHING.search(text)] == []


def messages() -> Iterator[Message]:
    """What an ordinary night shows in Slack, from the page to the summary."""
    runs = [views.run(status=status) for status in ("planning", "running", "needs_person", "succeeded", "aborted")]
    pages = [views.page(status=status) for status in ("due", "sent", "acknowledged", "superseded", "failed")]
    for one in (
        views.incident(),
        views.incident(exhausted=True),
        views.acknowledged(),
        views.resolved(after=views.RTO * 2),
    ):
        seen = views.view(one, alarms=[views.record(count=3)], pages=pages, offers=[views.offer()])
        yield from (card(seen, KO, str), summaries.exhausted(seen, KO, str), summaries.resolved(seen, KO, str))
        yield from (card(views.view(one, runs=[each]), KO, str) for each in runs)
        yield from (page_message(page, one, KO, str) for page in pages)
    for status in ("planning", "planned", "running", "needs_person", "succeeded", "failed", "aborted", "refused"):
        ended = views.NOW + timedelta(minutes=9)
        for state in ("waiting", "running", "asking", "done", "failed", "skipped", "aborted"):
            made = views.run(status=status, ended_at=ended, aborted_by="mina")
            yield run_message(views.run_view(made, {"restore": state}, decided_by="mina"), KO, str)
    yield which([views.incident()] * 12, "incident.status", KO)


def modals() -> Iterator[dict[str, Any]]:
    yield plain_forms.declare(Config(), "", KO)
    yield plain_forms.resolve(views.incident(), KO)
    yield plain_forms.skip(views.run(), "restore", KO)
    yield plan_view(views.run_view(views.run()), KO)
    yield home([views.view()], {"primary": ["mina"], "secondary": []}, KO, str)
    yield from (modal(KO(title), [], KO) for title in ("Which incident?", "Not possible"))


def texts(part: Any, within: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the name of what holds it: `title`, `submit`, `button` …"""
    if isinstance(part, dict):
        if isinstance(part.get("text"), str):
            yield within, part["text"]
        for name, value in part.items():
            yield from texts(value, "button" if name == "text" and part.get("type") == "button" else name)
    elif isinstance(part, list):
        for one in part:
            yield from texts(one, within)


def test_no_korean_letter_touches_markup_in_a_message() -> None:
    shown = [text for message in messages() for _, text in texts(message.blocks)]
    assert [text for text in shown if TOUCHING.search(text)] == []


def test_no_title_or_button_is_cut_off() -> None:
    ids = itertools.count()
    for message in messages():
        check_message(message.blocks, lambda: str(next(ids)))
    for view in modals():
        if view["blocks"]:
            check_view(view, ("modal", "home"), lambda: str(next(ids)))
    parts = [*(message.blocks for message in messages()), *modals()]
    labels = {text for part in parts for where, text in texts(part) if where in {"title", "submit", "close", "button"}}
    assert len(labels) > 15
    assert [label for label in labels if label.endswith("…")] == []


def test_a_text_message_takes_at_most_two_parts() -> None:
    """67 characters each: Korean is sent in UCS-2."""
    assert len(sms(views.incident(title="orders: 잘못된 주문 합계", region="ap-northeast-2"), KO)) <= 2 * 67
