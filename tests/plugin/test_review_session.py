"""What the keys of a review do, without a window and without a file."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gossan.core.errors import InputError
from gossan.core.review import decisions as d
from gossan.core.review.progress import Estimate, Precision
from gossan.core.review.queue import ALL, DISAGREEMENTS, RANDOM, SECOND_OPINIONS, Item, Order
from gossan.plugin.docks.mines.review_sentences import facts, sentences
from gossan.plugin.docks.mines.review_session import ReviewSession, Standing


class MemoryStore:
    """A store that keeps everything in memory."""

    def __init__(self, count: int) -> None:
        self.log = d.DecisionLog()
        self.findings = SimpleNamespace(
            items={n: Item(n, 1 - n / 100) for n in range(1, count + 1)}
        )

    def decide(self, finding, decided, reviewer, **more):
        self._add(d.decision(finding, decided, reviewer, time="2026-01-01T00:00:00Z", **more))

    def undo(self, reviewer):
        taken = self.log.undoable(reviewer)
        if taken is not None:
            self._add(d.withdrawal(taken, reviewer))
        return taken

    def refresh(self):
        pass

    def take_changed(self):
        return {entry.finding for entry in self.log.entries.values()}

    def _add(self, entry):
        self.log.add(entry.numbered(self.log.last + 1))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(5)


@pytest.fixture
def ana(store) -> ReviewSession:
    return ReviewSession(store, "Ana")


def test_a_decision_goes_on_to_the_next_open_finding(ana, store):
    store.decide(2, d.DAM, "Bo")
    assert ana.decide(d.MINE)
    assert ana.current == 3
    assert store.log.state(1).decision == "mine"


def test_false_waits_for_a_reason_that_goes_on(ana, store):
    ana.decide(d.FALSE)
    assert (ana.current, ana.wants_reason) == (1, True)
    assert store.log.state(1).decision == "false"
    ana.reject("cloud")
    assert (ana.current, ana.wants_reason) == (2, False)
    assert store.log.state(1).reason == "cloud"


@pytest.mark.parametrize("go_on", [lambda s: s.decide(d.FALSE), lambda s: s.step(1)])
def test_a_reason_may_be_left_out(ana, store, go_on):
    ana.decide(d.FALSE)
    go_on(ana)
    assert (ana.current, ana.wants_reason) == (2, False)
    assert store.log.state(1).reason == ""
    assert len(store.log.entries) == 1


def test_a_reason_alone_is_a_rejection(ana, store):
    ana.reject("river bank")
    assert (store.log.state(1).decision, store.log.state(1).reason) == ("false", "river bank")
    assert ana.current == 2


def test_one_may_change_ones_mind_while_a_reason_is_asked_for(ana, store):
    ana.decide(d.FALSE)
    ana.decide(d.DAM)
    assert store.log.state(1).decision == "dam"
    assert ana.current == 2


def test_undo_goes_back_to_its_finding(ana, store):
    ana.decide(d.MINE)
    ana.decide(d.DAM)
    assert ana.undo().decision == "dam"
    assert ana.current == 2
    ana.undo()
    assert ana.current == 1
    assert store.log.state(1) is None
    assert ana.undo() is None
    assert ana.current == 1


def test_a_comment_is_kept_with_the_decision_whichever_comes_first(ana, store):
    ana.set_comment("  tailings to the north ")
    ana.decide(d.MINE)
    assert store.log.state(1).comment == "tailings to the north"
    assert ana.comment == ""
    ana.decide(d.FALSE)
    ana.reject("cloud")
    ana.step(-1)
    ana.set_comment("thin cloud")
    state = store.log.state(2)
    assert (state.decision, state.reason, state.comment) == ("false", "cloud", "thin cloud")
    count = len(store.log.entries)
    ana.set_comment("thin cloud")
    assert len(store.log.entries) == count


def test_the_end_of_the_queue_is_told(ana):
    for _ in range(4):
        assert ana.decide(d.MINE)
    assert not ana.decide(d.MINE)
    assert ana.current == 5
    assert ana.standing().open == 0


def test_all_findings_are_gone_through_in_order(store):
    store.decide(2, d.MINE, "Ana")
    ana = ReviewSession(store, "Ana", only=ALL)
    ana.decide(d.MINE)
    assert ana.current == 2


def test_opinions_of_others_are_hidden_until_ones_own_is_made(ana, store):
    store.decide(1, d.MINE, "Bo")
    ana.arrange(Order(SECOND_OPINIONS))
    assert ana.current == 1
    assert ana.others() is None
    assert ana.disagreements() == []
    ana.decide(d.FALSE)
    assert [(e.reviewer, e.decision) for e in ana.others()] == [("Bo", "mine")]
    assert [each.finding for each in ana.disagreements()] == [1]
    ana.step(1)
    ana.go_to(3)
    assert ana.others() == []
    ana.arrange(Order(DISAGREEMENTS))
    assert ana.queue.findings == [1]


def test_a_disagreement_between_others_is_not_told_before_ones_own_decision(ana, store):
    store.decide(1, d.MINE, "Bo")
    store.decide(1, d.FALSE, "Cy")
    assert ana.disagreements() == []


def test_a_finding_outside_the_queue_can_be_looked_at_and_left(ana, store):
    store.decide(4, d.MINE, "Ana")
    ana.arrange()
    assert 4 not in ana.queue
    ana.go_to(4)
    assert ana.current == 4
    ana.step(1)
    assert ana.current == 1
    with pytest.raises(InputError, match="no finding 77"):
        ana.go_to(77)


def test_nothing_to_review(store):
    ana = ReviewSession(MemoryStore(0), "Ana")
    assert ana.current is None
    ana.step(1)
    with pytest.raises(InputError, match="no finding to decide about"):
        ana.decide(d.MINE)
    assert sentences(ana.standing()) == ["0 of 0 findings are judged."]


def test_the_random_order_gives_an_estimate(store):
    ana = ReviewSession(store, "Ana", Order(RANDOM, seed=3))
    ana.decide(d.MINE)
    ana.reject("cloud")
    estimate = ana.standing().estimate
    assert (estimate.sample, estimate.findings, estimate.expected) == (2, 5, 2.5)


def test_a_decision_counts_to_the_order_in_which_its_finding_first_came_up(store):
    ana = ReviewSession(store, "Ana", Order(RANDOM, seed=3))
    first = ana.current
    ana.decide(d.MINE)
    ana.arrange(Order(), only=ALL)
    ana.go_to(first)
    ana.decide(d.DAM)
    assert store.log.state(first).queue == "random 3"
    ana.arrange(Order(RANDOM, seed=3), only="mine")
    other = next(finding for finding in range(1, 6) if finding != first)
    ana.go_to(other)
    ana.decide(d.MINE)
    assert store.log.state(other).queue == ""


def test_a_reviewer_without_a_name_is_asked_for_it(store):
    with pytest.raises(InputError, match="Type your name"):
        ReviewSession(store, " ")


def test_a_card_tells_what_the_layer_has():
    told = facts(
        {
            "max_probability": 0.934,
            "mean_probability": 0.81,
            "area_ha": 1234.5,
            "cells": 3,
            "impact": "high impact",
            "impact_votes": "high impact 3",
            "registered": "no",
            "register_name": "Mina Nova",
            "register_distance_m": 2345.6,
            "phase": None,
            "protected": "Reserve",
        },
        "max_probability",
    )
    assert told == [
        ("Probability", "0.93, mean 0.81"),
        ("Area", "1,234.5 ha in 3 cells"),
        ("Impact", "high impact (high impact 3)"),
        ("Register", "not registered; nearest entry Mina Nova, 2.3\u00a0km away"),
        ("Protected area", "Reserve"),
    ]
    assert facts({"Score": 0.5, "name": "x"}, "Score") == [("Probability", "0.50")]
    assert facts({}, "") == []


def test_how_the_review_stands_is_told_in_sentences():
    standing = Standing(
        20, 1000, Precision(15, 5, 2), Estimate(750.2, 600, 880, 20, 1000), 4.0, 980
    )
    assert sentences(standing) == [
        "20 of 1,000 findings are judged.",
        "You confirmed 15 of 20: 75\u00a0% (95\u00a0% interval 53 to 89\u00a0%); 2 unsure.",
        "By the random sample of 20, about 750 of all 1,000 findings are right (600 to 880).",
        "4 s for each; 65 min for those that remain.",
    ]
