"""What changes is told: signed, in order for each dwelling, at least once, to whoever may know, and again when it was not taken."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from registry import clock
from registry.access import Role
from registry.audit.model import AuditLine
from registry.dwellings.model import PortfolioPeriod
from registry.organisations.model import OrganisationKind
from registry.webhooks import commands, delivery, queries, rules
from registry.webhooks.commands import Missed, Wanted, Which
from registry.webhooks.delivery import Result
from registry.webhooks.fanning import Fanning
from registry.webhooks.model import DeliveryStatus, DisabledReason, Webhook, WebhookDelivery, WebhookState, WebhookStatus
from registry.webhooks.rules import Answer
from tests import makers
from tests.owner import as_owner
from tests.registry.webhooks.receiver import Got, Say, a_receiver
from tests.registry.webhooks.worlds import LOOPBACK, Firm, a_firm, a_webhook, happen, sending_to, undelivered

SOON = (timedelta(milliseconds=20),) * 9


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same schedule with short waits."""
    monkeypatch.setattr(rules, "BACK_OFF", SOON)
    monkeypatch.setattr(rules, "TRIES_BEFORE_REST", 1000)


def subjects(events: Sequence[Got]) -> list[str]:
    return [got.event["subject"] for got in events]


def by_dwelling(events: Sequence[Got]) -> dict[str, list[str]]:
    """The sequence numbers of each dwelling, in the order in which they came."""
    found: dict[str, list[str]] = defaultdict(list)
    for got in events:
        found[got.event["subject"]].append(got.event["sequence"])
    return found


def status_of(webhook_id: UUID) -> tuple[WebhookStatus, DisabledReason | None]:
    with as_owner() as session:
        webhook = session.get_one(Webhook, webhook_id)
        return webhook.status, webhook.reason


def test_an_event_is_a_cloud_event_that_is_signed_and_tells_nothing_personal(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as receiver:
        _, secret = a_webhook(firm, receiver.url)
        happen(firm.dwellings, "dwelling.label-registered")
        with sending_to():
            (got,) = receiver.wait(1)
    assert Verifier(secret).verify(got.body, dict(got.headers)) == got.event
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(got.body + b" ", dict(got.headers))
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert got.headers["webhook-id"] == got.event["id"]
    dwelling = str(firm.dwellings[0])
    links = dict.fromkeys(("self", "dwelling"), f"https://register.example.nl/v1/dwellings/{dwelling}")
    assert (
        got.event.items()
        >= {
            "specversion": "1.0",
            "source": "https://register.example.nl",
            "type": "nl.dwelling-registry.dwelling.label-registered",
            "subject": dwelling,
            "data": {"kind": "dwelling", "id": dwelling, "dwellingId": dwelling, "links": links},
        }.items()
    )
    assert set(got.event) == {"specversion", "id", "source", "type", "subject", "time", "sequence", "datacontenttype", "data"}


def test_what_the_feed_does_not_name_is_told_as_changed_and_only_what_is_wanted_is_told(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as receiver:
        a_webhook(firm, receiver.url, "dwelling.changed", "trajectory")
        happen(firm.dwellings)
        happen(firm.dwellings, None)
        with sending_to():
            (got,) = receiver.wait(1)
    assert got.event["type"].endswith(".dwelling.changed")


def test_a_dwelling_waits_for_its_earlier_event_and_others_do_not(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "BACK_OFF", (timedelta(seconds=2),) * 9)
    firm = a_firm(2)
    bad, good = map(str, firm.dwellings)
    failed: list[float] = []

    def answer(got: Got) -> Say:
        if got.event["subject"] == bad and not failed:
            failed.append(got.at)
            return Say(503)
        return Say()

    with a_receiver(answer) as receiver:
        a_webhook(firm, receiver.url)
        for _ in range(3):
            happen(firm.dwellings)
        with sending_to():
            early = receiver.wait(3)
            assert subjects(early[:3]) == [good] * 3
            assert early[2].at - failed[0] < 1.5
            everything = receiver.wait(6)
    assert by_dwelling(everything)[bad] == sorted(by_dwelling(everything)[bad])
    assert next(got.at for got in everything if got.event["subject"] == bad) - failed[0] >= 1.9


def test_several_are_on_their_way_at_once_but_never_two_of_one_dwelling(fresh_database: str) -> None:
    firm = a_firm(30)
    busy: set[str] = set()
    doubled: list[str] = []

    def answer(got: Got) -> Say:
        subject = got.event["subject"]
        if subject in busy:
            doubled.append(subject)
        busy.add(subject)
        time.sleep(0.05)
        busy.discard(subject)
        return Say()

    with a_receiver(answer) as receiver:
        a_webhook(firm, receiver.url)
        for _ in range(3):
            happen(firm.dwellings)
        with sending_to():
            receiver.wait(90)
    assert doubled == []
    assert 4 < receiver.most_at_once <= delivery.AT_ONCE_EACH


def test_nothing_is_lost_and_order_is_kept_with_a_receiver_that_fails_at_random(fresh_database: str, impatient: None) -> None:
    """Two workers at the same time, a third refused, dropped or answered too late in between."""
    import random

    firm, choose = a_firm(8), random.Random(7)

    def answer(got: Got) -> Say:
        drawn = choose.random()
        if drawn < 0.1:
            raise ConnectionError
        return Say(500 if drawn < 0.25 else 302 if drawn < 0.33 else 200, after_s=choose.random() * 0.01)

    with a_receiver(answer) as receiver:
        webhook_id, secret = a_webhook(firm, receiver.url)
        with sending_to(), sending_to():
            for _ in range(25):
                happen(choose.sample(list(firm.dwellings), 4))
            receiver.wait(1)
            deadline = time.monotonic() + 60
            while (undelivered(webhook_id) or len({got.event["id"] for got in receiver.taken}) < 100) and time.monotonic() < deadline:
                time.sleep(0.05)
    with as_owner() as session:
        made = session.scalars(sa.select(WebhookDelivery.event_id)).all()
        changed = session.scalar(sa.text("SELECT count(*) FROM change WHERE action = 'dwelling.amended'"))
    assert len(made) == changed == 100
    assert {got.event["id"] for got in receiver.taken} == set(made)
    for dwelling, sequence in by_dwelling(receiver.taken).items():
        first = list(dict.fromkeys(sequence))
        assert first == sorted(first), dwelling
    for got in receiver.taken:
        Verifier(secret).verify(got.body, dict(got.headers))


def test_a_corporation_is_never_told_of_anothers_dwelling_and_hears_from_when_it_gets_one(fresh_database: str) -> None:
    mine, other = a_firm(1), a_firm(1)
    with a_receiver() as receiver, a_receiver() as others:
        a_webhook(mine, receiver.url)
        a_webhook(other, others.url)
        with sending_to():
            happen([*mine.dwellings, *other.dwellings])
            assert subjects(receiver.wait(1)) == [str(mine.dwellings[0])]
            assert subjects(others.wait(1)) == [str(other.dwellings[0])]
            yesterday = clock.today() - timedelta(days=1)
            with as_owner() as session:
                session.execute(sa.update(PortfolioPeriod).where(PortfolioPeriod.dwelling_id == other.dwellings[0]).values(valid_until=yesterday))
                held = {"dwelling_id": other.dwellings[0], "organisation_id": mine.organisation.id, "valid_from": yesterday, "recorded_by": uuid4()}
                session.add(PortfolioPeriod(**held))
            happen(other.dwellings)
            assert subjects(receiver.wait(2)) == [str(mine.dwellings[0]), str(other.dwellings[0])]
            time.sleep(0.6)
        assert len(others.got) == 1


def test_a_municipality_and_an_inspection_body_hear_what_their_people_see(fresh_database: str) -> None:
    owner = a_firm(1)
    with as_owner() as session:
        makers.a_municipality(session, "GM0363", "Amsterdam")
    heerlen = a_firm(0, kind=OrganisationKind.MUNICIPALITY, code=makers.HEERLEN)
    amsterdam = a_firm(0, kind=OrganisationKind.MUNICIPALITY, code="GM0363")
    body = a_firm(0, kind=OrganisationKind.INSPECTION_BODY)
    with as_owner() as session:
        inspector, _ = makers.a_member(session, Role.INSPECTOR, body.organisation)
        makers.an_inspection(session, inspector, dwelling_id=owner.dwellings[0])
    with a_receiver() as near, a_receiver() as far, a_receiver() as looks:
        for firm, receiver in ((heerlen, near), (amsterdam, far), (body, looks)):
            a_webhook(firm, receiver.url)
        with sending_to():
            happen(owner.dwellings)
            assert subjects(near.wait(1)) == [str(owner.dwellings[0])]
            looks.wait(1)
            time.sleep(0.6)
        assert far.got == []


def test_of_a_rotated_secret_both_sign_for_a_day_and_then_only_the_new_one(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as receiver:
        webhook_id, old = a_webhook(firm, receiver.url)
        with as_owner() as session:
            new, until = commands.rotate_secret(session, firm.administrator, webhook_id)
        assert timedelta(hours=23, minutes=59) < until - clock.now() <= timedelta(hours=24)
        with sending_to():
            happen(firm.dwellings)
            (got,) = receiver.wait(1)
            for secret in (old, new):
                Verifier(secret).verify(got.body, dict(got.headers))
            assert len(got.headers["webhook-signature"].split()) == 2
            with as_owner() as session:
                session.execute(sa.text("UPDATE webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL"))
            happen(firm.dwellings)
            later = receiver.wait(2)[1]
        Verifier(new).verify(later.body, dict(later.headers))
        with pytest.raises(WebhookVerificationError):
            Verifier(old).verify(later.body, dict(later.headers))


def test_what_is_refused_for_good_is_a_dead_letter_and_the_dwelling_goes_on(fresh_database: str) -> None:
    firm = a_firm(1)
    refused: list[str] = []

    def answer(got: Got) -> Say:
        if got.event["type"].endswith("registered") and not refused:
            refused.append(got.event["id"])
            return Say(422, body=b"kan ik niet lezen\0")
        return Say()

    with a_receiver(answer) as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        for action in ("dwelling.registered", "dwelling.amended"):
            happen(firm.dwellings, action)
        with sending_to():
            receiver.wait(1)
            with as_owner() as session:
                (dead,) = queries.deliveries(session, firm.administrator, webhook_id, status=DeliveryStatus.DEAD, after=None, limit=9).items
            assert (dead.event_id, dead.attempts, dead.answer_status, dead.answer) == (refused[0], 1, 422, "kan ik niet lezen�")
            with as_owner() as session:
                assert commands.replay(session, firm.administrator, webhook_id, Which()).count == 1
            again = receiver.wait(2)[1]
        assert again.event["id"] == again.headers["webhook-id"] == refused[0]
        assert undelivered(webhook_id) == 0


def test_after_the_last_attempt_an_event_is_dead(fresh_database: str, impatient: None) -> None:
    firm = a_firm(1)
    with a_receiver(lambda got: Say(500 if "registered" in got.event["type"] else 200)) as receiver:
        a_webhook(firm, receiver.url)
        happen(firm.dwellings, "dwelling.registered")
        happen(firm.dwellings)
        with sending_to():
            receiver.wait(1)
        assert len(receiver.got) == len(rules.BACK_OFF) + 2
        with as_owner() as session:
            assert session.scalars(sa.select(WebhookDelivery.status).order_by(WebhookDelivery.id)).all() == ["dead", "delivered"]


def test_one_or_all_since_a_moment_can_be_sent_again(fresh_database: str) -> None:
    firm = a_firm(2)
    with a_receiver() as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        with sending_to():
            happen(firm.dwellings[:1])
            (first,) = receiver.wait(1)
            moment = clock.now()
            for _ in range(2):
                happen(firm.dwellings[1:])
            receiver.wait(3)
            while undelivered(webhook_id):
                time.sleep(0.01)
            with as_owner() as session:
                assert commands.replay(session, firm.administrator, webhook_id, Which(since=moment)).count == 2
            later = receiver.wait(5)[3:]
            assert [got.event["sequence"] for got in later] == [got.event["sequence"] for got in receiver.taken[1:3]]
            with as_owner() as session:
                assert commands.replay(session, firm.administrator, webhook_id, Which(event_id=first.event["id"])).count == 1
            assert receiver.wait(6)[5].event == first.event


def test_a_receiver_that_says_it_is_gone_is_not_told_any_more_and_the_log_says_so(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver(lambda got: Say(410)) as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        with sending_to():
            happen(firm.dwellings)
            receiver.wait(1, of="got")
            deadline = time.monotonic() + 5
            while status_of(webhook_id)[0] is WebhookStatus.ACTIVE and time.monotonic() < deadline:
                time.sleep(0.02)
            happen(firm.dwellings)
            time.sleep(0.6)
        assert len(receiver.got) == 1
        assert status_of(webhook_id) == (WebhookStatus.DISABLED, DisabledReason.GONE)
        with as_owner() as session:
            line = session.scalars(sa.select(AuditLine).where(AuditLine.action == "webhook.disabled")).one()
            assert (line.organisation_id, line.subject_id, line.details) == (firm.organisation.id, str(webhook_id), {"reason": "gone"})
        receiver.answer = lambda got: Say()
        with as_owner() as session:
            commands.resume(session, firm.administrator, webhook_id, missed=Missed.TELL, expected=2)
        with sending_to():
            assert len({got.event["id"] for got in receiver.wait(2)}) == 2


def test_a_receiver_that_takes_nothing_for_five_days_is_not_told_any_more(fresh_database: str, impatient: None) -> None:
    firm = a_firm(1)
    webhook_id, _ = a_webhook(firm, "https://hooks.example.nl/x")
    happen(firm.dwellings)
    assert Fanning().turn() == 1
    for days, status in ((0, WebhookStatus.ACTIVE), (4.9, WebhookStatus.ACTIVE), (5.1, WebhookStatus.DISABLED)):
        with as_owner() as session:
            if days:
                session.execute(sa.update(WebhookState).values(failing_since=clock.now() - timedelta(days=days)))
            session.execute(sa.update(WebhookDelivery).values(next_attempt_at=clock.now()))
        (claim,) = delivery.turn([], {}, room=1)
        delivery.turn([Result(claim, Answer(500))], {}, room=0)
        assert status_of(webhook_id)[0] is status, days


def test_a_paused_webhook_is_told_afterwards_or_not_as_its_administrator_says(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        with as_owner() as session:
            commands.pause(session, firm.administrator, webhook_id, expected=1)
        with sending_to():
            happen(firm.dwellings)
            time.sleep(0.6)
            assert receiver.got == []
            with as_owner() as session:
                commands.resume(session, firm.administrator, webhook_id, missed=Missed.TELL, expected=2)
            receiver.wait(1)
            with as_owner() as session:
                commands.pause(session, firm.administrator, webhook_id, expected=3)
            happen(firm.dwellings, "dwelling.registered")
            with as_owner() as session:
                commands.resume(session, firm.administrator, webhook_id, missed=Missed.SKIP, expected=4)
            happen(firm.dwellings, "dwelling.condition-adopted")
            assert receiver.wait(2)[1].event["type"].endswith("condition-adopted")


def test_a_changed_address_gets_what_waited_for_the_former_one(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver(lambda got: Say(500)) as bad, a_receiver() as good:
        webhook_id, _ = a_webhook(firm, bad.url)
        with sending_to():
            happen(firm.dwellings)
            bad.wait(2, of="got", within_s=10)  # the second attempt failed too, so the third is due in five minutes
            time.sleep(0.3)
            with as_owner() as session:
                commands.amend(session, firm.administrator, webhook_id, Wanted("test", good.url), allowed=LOOPBACK, expected=1)
            good.wait(1, within_s=3)


def test_a_redirect_is_not_followed(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as inside, a_receiver() as receiver:
        receiver.answer = lambda got: Say(307, {"Location": inside.url})
        a_webhook(firm, receiver.url)
        with sending_to():
            happen(firm.dwellings)
            receiver.wait(1, of="got")
            time.sleep(0.3)
        assert inside.got == []


def test_a_receiver_that_dribbles_and_one_that_floods_are_cut_off(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from registry.webhooks import outgoing

    monkeypatch.setattr(outgoing, "ATTEMPT_S", 1.0)
    firm = a_firm(1)
    with a_receiver() as receiver:
        receiver.answer = lambda got: Say(200, body=b"x" * 5_000_000)
        webhook_id, _ = a_webhook(firm, receiver.url)
        with sending_to():
            happen(firm.dwellings)
            receiver.wait(1)
            deadline = time.monotonic() + 5
            while undelivered(webhook_id) and time.monotonic() < deadline:
                time.sleep(0.02)
            receiver.answer = lambda got: Say(200, after_s=3)
            happen(firm.dwellings)
            time.sleep(2)
        with as_owner() as session:
            flood, dribble = session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.id)).all()
        assert (flood.status, len(flood.answer or "")) == (DeliveryStatus.DELIVERED, outgoing.ANSWER_KEPT)
        assert (dribble.status, dribble.error) == (DeliveryStatus.PENDING, "timed-out")


def test_a_claim_of_a_worker_that_died_is_taken_over_and_its_late_settlement_changes_nothing(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    firm = a_firm(1)
    a_webhook(firm, "https://hooks.example.nl/x")
    happen(firm.dwellings)
    Fanning().turn()
    (lost,) = delivery.turn([], {}, room=5)
    assert delivery.turn([], {}, room=5) == []
    with as_owner() as session:
        session.execute(sa.update(WebhookDelivery).values(next_attempt_at=clock.now()))  # the lease has ended
    (again,) = delivery.turn([], {}, room=5)
    assert (again.id, again.attempts) == (lost.id, 2)
    delivery.turn([Result(lost, Answer(200))], {}, room=0)
    assert undelivered(again.webhook_id) == 1
    delivery.turn([Result(again, Answer(200))], {}, room=0)
    assert undelivered(again.webhook_id) == 0


def test_a_receiver_that_keeps_failing_is_left_alone_for_a_while_and_then_tried_with_one(fresh_database: str) -> None:
    firm = a_firm(12)
    webhook_id, _ = a_webhook(firm, "https://hooks.example.nl/x")
    happen(firm.dwellings)
    Fanning().turn()
    claims = delivery.turn([], {}, room=12)
    assert len(claims) == 12
    delivery.turn([Result(claim, Answer(503)) for claim in claims], {}, room=0)
    with as_owner() as session:
        session.execute(sa.update(WebhookDelivery).values(next_attempt_at=clock.now()))
    assert delivery.turn([], {}, room=12) == []
    with as_owner() as session:
        session.execute(sa.update(WebhookState).values(not_before=clock.now()))
    (probe,) = delivery.turn([], {}, room=12)
    assert delivery.turn([], {webhook_id: 1}, room=12) == []
    assert len(delivery.turn([Result(probe, Answer(204))], {}, room=12)) == 11


def test_after_a_restore_the_receiver_is_told_to_begin_anew_and_nothing_is_told_twice(fresh_database: str) -> None:
    firm = a_firm(1)
    with a_receiver() as receiver:
        webhook_id, _ = a_webhook(firm, receiver.url)
        with as_owner() as session:
            session.execute(sa.update(WebhookState).values(epoch="ofabackup"))
        happen(firm.dwellings, "dwelling.registered")
        with sending_to():
            (first,) = receiver.wait(1)
            happen(firm.dwellings)
            second = receiver.wait(2)[1]
            time.sleep(0.5)
        assert (first.event["type"], first.event["subject"]) == ("nl.dwelling-registry.register.restored", str(webhook_id))
        assert second.event["type"].endswith(".dwelling.amended")
        assert len(receiver.got) == 2


def test_many_webhooks_read_the_same_feed_without_hindering_each_other(fresh_database: str) -> None:
    firms: list[Firm] = [a_firm(2) for _ in range(5)]
    with a_receiver() as receiver, a_receiver(lambda got: Say(500, after_s=0.2)) as bad:
        for place, firm in enumerate(firms):
            a_webhook(firm, bad.url if place == 0 else receiver.url)
        with sending_to():
            happen([dwelling for firm in firms for dwelling in firm.dwellings])
            assert sorted(subjects(receiver.wait(8))) == sorted(str(dwelling) for firm in firms[1:] for dwelling in firm.dwellings)
