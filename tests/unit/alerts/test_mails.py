"""The mails, word for word: mails/<template>.txt beside this file is what a recipient reads."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts_service.alert_mapping import facts_of
from alerts_service.mail.composition import Fact, Links, Wording, compose, wording
from alerts_service.mail.template_values import words
from kv_common.events import ApiKeyIssued, Contract, InvalidEvent, PlanChanged, PlanChangeScheduled, ThresholdCrossed
from tests.unit.alerts.fakes import EVERYTHING, MOMENT, NOW_MS, PRO, new_event

GOLDEN = Path(__file__).with_name("mails")
LINKS = Links("https://api.example.com/v1/alerts/unsubscribe?token=t&x=1", "https://app.example.com/")


def said(data: Contract) -> tuple[str, Wording]:
    template, values = words(*facts_of(new_event(data)), NOW_MS)
    return template, wording(template, values)


@pytest.mark.parametrize("template", EVERYTHING)
def test_every_mail_reads_as_agreed(template: str) -> None:
    used, what = said(EVERYTHING[template])

    mail = compose(what, LINKS)

    assert used == template
    assert f"{mail.subject}\n\n{mail.text}" == (GOLDEN / f"{template}.txt").read_text("utf-8")


class Page(HTMLParser):
    """The text of a page, and its links."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def page(text: str) -> Page:
    parsed = Page()
    parsed.feed(text)
    parsed.close()
    return parsed


@pytest.mark.parametrize("template", EVERYTHING)
def test_html_and_text_say_the_same(template: str) -> None:
    _, what = said(EVERYTHING[template])

    mail = compose(what, LINKS)

    shown = " ".join(page(mail.html).words)
    for block in what.blocks:
        for line in [block] if isinstance(block, str) else [f"{fact.label} {fact.value}" for fact in block]:
            assert " ".join(line.split()) in shown
    assert what.title in shown
    assert page(mail.html).links == [LINKS.dashboard, LINKS.unsubscribe]
    assert LINKS.unsubscribe in mail.text


def test_a_mail_loads_nothing_from_anywhere() -> None:
    for data in EVERYTHING.values():
        tags = page(compose(said(data)[1], LINKS).html).tags
        assert not {"img", "script", "link", "iframe"} & set(tags)


def test_without_a_dashboard_a_mail_leads_to_none() -> None:
    mail = compose(said(EVERYTHING["welcome"])[1], Links(LINKS.unsubscribe, None))

    assert "dashboard:" not in mail.text
    assert page(mail.html).links == [LINKS.unsubscribe]


def test_markup_in_a_value_is_shown_and_not_obeyed() -> None:
    evil = '<script>alert("1")</script> $plan ${plan} &amp; </td>'
    _, what = said(ApiKeyIssued(key_id="key_1", display=evil, namespaces=(evil,), scopes=("read",)))

    mail = compose(what, LINKS)

    assert "script" not in page(mail.html).tags
    assert html.escape(evil) in mail.html
    assert evil in mail.text


@given(st.text(max_size=400))
def test_no_value_begins_a_line_or_a_fact_of_its_own(value: str) -> None:
    _, plain = said(ApiKeyIssued(key_id="key_1", display="x", namespaces=("app",), scopes=("read",)))
    _, what = said(ApiKeyIssued(key_id="key_1", display=value, namespaces=("app",), scopes=("read",)))

    mail, usual = compose(what, LINKS), compose(plain, LINKS)

    assert len(mail.text.splitlines()) == len(usual.text.splitlines())
    assert page(mail.html).tags == page(usual.html).tags
    assert [type(block) for block in what.blocks] == [type(block) for block in plain.blocks]
    assert not re.search(r"[\r\n]", mail.subject)


def test_a_title_and_a_message_are_there_for_the_api() -> None:
    _, what = said(EVERYTHING["requests_nearing"])

    assert what.title == "80% of this month's requests are used"
    assert what.message == ("Your account has used 8,012 of the 10,000 requests of the Free plan in November 2026.")
    assert Fact("Starts anew", "1 December 2026, 00:00 UTC") in [
        fact for block in what.blocks if isinstance(block, tuple) for fact in block
    ]


@pytest.mark.parametrize(
    "data",
    [
        ThresholdCrossed(period="2026-13", metric="requests", threshold=80, used=1, limit=1, plan="free"),
        ThresholdCrossed(period="2026-11", metric="requests", threshold=85, used=1, limit=1, plan="free"),
        PlanChanged(
            from_plan="free", to_plan="gold", limits=PRO, effective_at=MOMENT, changed_at_us=1, source_event="evt_1"
        ),
        PlanChanged(
            from_plan="free", to_plan="pro", limits=PRO, effective_at="soon", changed_at_us=1, source_event="evt_1"
        ),
        PlanChanged(
            from_plan="free",
            to_plan="pro",
            limits=PRO,
            effective_at="2026-12-01T00:00:00",
            changed_at_us=1,
            source_event="evt_1",
        ),
        PlanChangeScheduled(from_plan="pro", to_plan="gold", effective_at=MOMENT, reason="canceled"),
    ],
    ids=lambda data: repr(data.model_dump()),
)
def test_what_cannot_be_is_refused_and_not_worded(data: Contract) -> None:
    with pytest.raises((ValueError, InvalidEvent)):
        said(data)
