"""Decisions, queue, agreement and precision of a review against independent references."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from gossan.core.errors import InputError
from gossan.core.proportions import total_interval
from gossan.core.review import agreement as a
from gossan.core.review import decisions as d
from gossan.core.review import progress as p
from gossan.core.review import queue as q

TIME = "2026-01-02T03:04:05Z"


def made(*decided: tuple[int, str, str]) -> d.DecisionLog:
    """A log of (finding, decision, reviewer)."""
    return d.DecisionLog(
        d.decision(finding, what, who, time=TIME).numbered(number)
        for number, (finding, what, who) in enumerate(decided, 1)
    )


def take_back(log: d.DecisionLog, who: str) -> d.Entry | None:
    entry = log.undoable(who)
    if entry is not None:
        log.add(d.withdrawal(entry, who, time=TIME).numbered(log.last + 1))
    return entry


def held(log: d.DecisionLog) -> dict:
    """All that holds by a log."""
    return {
        finding: (log.opinions(finding), log.state(finding))
        for finding in log.findings()
        if log.opinions(finding)
    }


# ---------------------------------------------------------------- decisions


acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("decide"),
            st.integers(1, 6),
            st.sampled_from(d.DECISIONS),
            st.sampled_from(["Ana", "Bo", "Cy"]),
        ),
        st.tuples(st.just("undo"), st.sampled_from(["Ana", "Bo", "Cy"])),
    ),
    max_size=40,
)


def played(steps) -> d.DecisionLog:
    log = d.DecisionLog()
    for step in steps:
        if step[0] == "undo":
            take_back(log, step[1])
        else:
            log.add(d.decision(*step[1:], time=TIME).numbered(log.last + 1))
    return log


@given(acts)
def test_replaying_a_log_gives_the_same_state(steps):
    log = played(steps)
    assert held(d.DecisionLog(log.entries.values())) == held(log)


@given(acts, st.integers(1, 6), st.sampled_from(d.DECISIONS), st.sampled_from(["Ana", "Bo"]))
def test_an_undo_restores_exactly_what_was_before(steps, finding, decided, who):
    log = played(steps)
    before, undoable = held(log), log.undoable(who)
    log.add(d.decision(finding, decided, who, time=TIME).numbered(log.last + 1))
    assert log.opinion(finding, who).decision == decided
    assert take_back(log, who).finding == finding
    assert held(log) == before
    assert log.undoable(who) == undoable


@given(acts)
def test_the_state_is_what_a_plain_reading_of_the_rows_gives(steps):
    log = played(steps)
    rows = list(log.entries.values())
    gone = {row.withdraws for row in rows if row.action == d.WITHDRAW}
    newest = {row.finding: row for row in rows if row.action == d.DECIDE and row.number not in gone}
    assert {finding: state for finding, (_, state) in held(log).items()} == newest
    assert sorted(log.standing(), key=lambda row: row.number) == sorted(
        newest.values(), key=lambda row: row.number
    )
    for who in ("Ana", "Bo", "Cy"):
        own = [log.opinion(finding, who) for finding in log.findings()]
        held_by = Counter(row.decision for row in own if row)
        assert +log.counts(who) == held_by
        assert (who in log.reviewers()) == bool(held_by)
        recent = log.recent(who, 1000)
        assert sorted(recent, key=lambda row: row.number) == recent
        assert {row.number for row in recent} == {row.number for row in own if row}


def test_a_later_reason_replaces_the_decision_and_goes_by_one_undo():
    log = made((4, d.FALSE, "Ana"))
    log.add(d.decision(4, d.FALSE, "Ana", time=TIME, reason="cloud").numbered(2))
    assert log.state(4).reason == "cloud"
    take_back(log, "Ana")
    assert (log.state(4).decision, log.state(4).reason) == ("false", "")
    take_back(log, "Ana")
    assert log.state(4) is None
    assert take_back(log, "Ana") is None


def test_undo_takes_back_ones_own_decision_only():
    log = made((1, d.MINE, "Ana"), (1, d.FALSE, "Bo"))
    take_back(log, "Ana")
    assert list(log.opinions(1)) == ["Bo"]
    assert log.undoable("Ana") is None


def test_what_cannot_be_decided_is_refused_in_a_sentence():
    with pytest.raises(InputError, match="Unknown decision 'perhaps'; use one of mine, dam"):
        d.decision(1, "perhaps", "Ana")
    with pytest.raises(InputError, match="Type your name first"):
        d.decision(1, d.MINE, "  ")
    with pytest.raises(InputError, match="have a reason"):
        d.decision(1, d.MINE, "Ana", reason="cloud")
    with pytest.raises(InputError, match="taken back"):
        d.withdrawal(d.decision(1, d.MINE, "Ana"), "Ana")
    log = made((1, d.MINE, "Ana"))
    with pytest.raises(InputError, match="unknown action 'merge'"):
        log.add(d.Entry(1, "merge", "Ana", TIME, number=2))
    with pytest.raises(InputError, match="order of their numbers"):
        log.add(d.decision(1, d.DAM, "Ana").numbered(0))


def test_entries_of_a_second_program_may_come_again():
    log = made((1, d.MINE, "Ana"), (2, d.DAM, "Ana"))
    log.add(log.entries[1])
    assert len(log.entries) == 2


# ---------------------------------------------------------------- queue


ITEMS = [
    q.Item(1, 0.9, "yes"),
    q.Item(2, 0.8, "no"),
    q.Item(3, 0.8, ""),
    q.Item(4, None, "no"),
    q.Item(5, 0.61, "yes"),
]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (q.Order(q.CONFIDENT), [1, 2, 3, 5, 4]),
        (q.Order(q.UNCERTAIN, threshold=0.6), [5, 2, 3, 1, 4]),
        (q.Order(q.UNCERTAIN, threshold=0.88), [1, 2, 3, 5, 4]),
        (q.Order(q.UNREGISTERED), [2, 4, 3, 1, 5]),
    ],
)
def test_orders(order, expected):
    assert q.arrange(ITEMS, order, d.DecisionLog(), "Ana") == expected


def test_second_opinions_and_disagreements_choose_their_findings():
    log = made((1, d.MINE, "Ana"), (2, d.MINE, "Ana"), (2, d.FALSE, "Bo"), (5, d.DAM, "Bo"))
    assert q.arrange(ITEMS, q.Order(q.SECOND_OPINIONS), log, "Ana") == [5]
    assert q.arrange(ITEMS, q.Order(q.SECOND_OPINIONS), log, "Bo") == [1]
    assert q.arrange(ITEMS, q.Order(q.SECOND_OPINIONS), log, "Cy") == [1, 2, 5]
    assert q.arrange(ITEMS, q.Order(q.DISAGREEMENTS), log, "Ana") == [2]


def test_choices_of_findings():
    log = made((1, d.MINE, "Ana"), (2, d.MINE, "Bo"))
    order = q.Order(q.CONFIDENT)
    assert q.arrange(ITEMS, order, log, "Ana", q.UNDECIDED) == [3, 5, 4]
    assert q.arrange(ITEMS, order, log, "Ana", q.MINE) == [1]
    assert q.arrange(ITEMS, order, log, "Ana", q.ALL) == [1, 2, 3, 5, 4]


def test_the_random_order_keeps_when_findings_fall_out_and_differs_by_seed():
    items = [q.Item(number) for number in range(1, 201)]
    whole = q.arrange(items, q.Order(q.RANDOM, seed=7), d.DecisionLog(), "Ana")
    assert sorted(whole) == [item.finding for item in items]
    log = made(*[(finding, d.MINE, "Ana") for finding in whole[:50]])
    assert q.arrange(items, q.Order(q.RANDOM, seed=7), log, "Ana") == whole[50:]
    assert q.arrange(items, q.Order(q.RANDOM, seed=8), d.DecisionLog(), "Ana") != whole


def test_the_random_order_favours_no_finding():
    firsts = [
        q.arrange([q.Item(n) for n in range(1, 5)], q.Order(q.RANDOM, seed=s), d.DecisionLog(), "")
        for s in range(2000)
    ]
    counts = np.bincount([first[0] for first in firsts], minlength=5)[1:]
    assert scipy.stats.chisquare(counts).pvalue > 0.001


def test_unknown_orders_and_choices_are_refused():
    with pytest.raises(InputError, match="Unknown order"):
        q.arrange(ITEMS, q.Order("best"), d.DecisionLog(), "Ana")
    with pytest.raises(InputError, match="Unknown choice"):
        q.arrange(ITEMS, q.Order(), d.DecisionLog(), "Ana", "some")


def test_moving_stops_at_the_ends():
    queue = q.Queue([5, 3, 9], at=3)
    assert queue.current == 3
    assert queue.step(-1) == 5
    assert queue.step(-1) == 5
    assert queue.step(7) == 9
    assert not queue.go_to(4)
    assert queue.go_to(3)
    assert queue.position == 1
    assert 9 in queue
    assert q.Queue().current is None
    assert q.Queue().step(1) is None


@given(st.integers(1, 30), st.data())
def test_advancing_judges_every_finding_once(count, data):
    findings = data.draw(st.permutations(range(1, count + 1)))
    queue = q.Queue(findings, at=data.draw(st.sampled_from(findings)))
    judged = [queue.current]
    while (following := queue.advance(lambda finding: finding not in judged)) is not None:
        judged.append(following)
    assert sorted(judged) == sorted(findings)
    assert queue.current == judged[-1]


# ---------------------------------------------------------------- agreement


@given(st.lists(st.tuples(*[st.sampled_from(d.DECISIONS)] * 2), min_size=2, max_size=60))
def test_kappa_is_that_of_scikit_learn(pairs):
    rows = [(n, one, "Ana") for n, (one, _) in enumerate(pairs)]
    rows += [(n, other, "Bo") for n, (_, other) in enumerate(pairs)]
    rows += [(1000, d.MINE, "Ana"), (1001, d.MINE, "Bo")]  # judged by one only: not counted
    (found,) = a.agreements(made(*rows))
    assert found.findings == len(pairs)
    one, other = zip(*pairs)
    if len({*one, *other}) == 1:
        assert math.isnan(found.kappa)
    else:
        assert found.kappa == pytest.approx(sklearn.metrics.cohen_kappa_score(one, other))


def test_kappa_and_its_error_by_the_worked_example_of_fleiss():
    # Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, table 18.1:
    # 100 subjects, three categories; kappa 0.676, standard error 0.088.
    shares = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
    names = d.DECISIONS[:3]
    table = {(names[i], names[j]): shares[i][j] for i, j in itertools.product(range(3), repeat=2)}
    found = a.Agreement("Ana", "Bo", table)
    assert found.kappa == pytest.approx(0.676, abs=5e-4)
    assert found.error == pytest.approx(0.088, abs=5e-4)
    low, high = found.interval()
    assert (low, high) == pytest.approx((found.kappa - 1.96 * found.error,
                                         found.kappa + 1.96 * found.error), abs=1e-4)  # fmt: skip


def test_the_error_of_kappa_is_the_spread_over_resampled_findings():
    generator = np.random.default_rng(3)
    shares = np.array([[30, 4, 3, 1], [5, 20, 2, 2], [2, 1, 18, 2], [1, 1, 2, 6]]) / 100
    cells = generator.multinomial(400, shares.ravel(), 3000).reshape(-1, 4, 4)
    pairs = list(itertools.product(d.DECISIONS, repeat=2))

    def kappa(counts) -> float:
        table = dict(zip(pairs, map(int, counts.ravel())))
        return a.Agreement("", "", table).kappa

    expected = a.Agreement("", "", dict(zip(pairs, (shares.ravel() * 400).tolist())))
    assert expected.error == pytest.approx(np.std([kappa(c) for c in cells]), rel=0.06)


def test_agreement_by_class_and_disagreements_by_hand():
    log = made(
        (1, d.MINE, "Ana"), (1, d.MINE, "Bo"), (2, d.MINE, "Ana"), (2, d.FALSE, "Bo"),
        (3, d.FALSE, "Ana"), (3, d.FALSE, "Bo"), (4, d.DAM, "Ana"), (5, d.DAM, "Cy"),
        (3, d.UNSURE, "Cy"),
    )  # fmt: skip
    pairs = a.agreements(log)
    assert [(each.first, each.second, each.findings) for each in pairs] == [
        ("Ana", "Bo", 3),
        ("Ana", "Cy", 1),
        ("Bo", "Cy", 1),
    ]
    assert pairs[0].same == 2
    assert pairs[0].of_class(d.MINE) == pytest.approx(2 / 3)
    assert pairs[0].of_class(d.FALSE) == pytest.approx(2 / 3)
    assert math.isnan(pairs[0].of_class(d.DAM))
    found = a.disagreements(log)
    assert [each.finding for each in found] == [2, 3]
    assert [entry.reviewer for entry in found[1].opinions] == ["Ana", "Bo", "Cy"]
    take_back(log, "Cy")
    assert [each.finding for each in a.disagreements(log)] == [2]


def test_nobody_shares_a_finding():
    assert a.agreements(made((1, d.MINE, "Ana"), (2, d.MINE, "Bo"))) == []
    empty = a.Agreement("Ana", "Bo", {})
    assert math.isnan(empty.share)
    assert math.isnan(empty.kappa)
    assert math.isnan(empty.error)


# ---------------------------------------------------------------- precision and speed


def test_precision_leaves_unsure_ones_out():
    log = made((1, d.MINE, "A"), (2, d.DAM, "A"), (3, d.FALSE, "A"), (4, d.UNSURE, "A"))
    found = p.Precision.of(log.standing())
    assert (found.confirmed, found.rejected, found.unsure) == (2, 1, 1)
    assert found.share == pytest.approx(2 / 3)
    # Wilson's interval of 2 of 3, as statsmodels and R's binom give it.
    assert found.interval() == pytest.approx((0.2077, 0.9385), abs=5e-4)
    nothing = p.Precision.of([])
    assert nothing.share is None
    assert math.isnan(nothing.interval()[0])


@settings(max_examples=60)
@given(st.integers(1, 40), st.data())
def test_the_interval_of_a_total_is_that_of_all_numbers_tried(population, data):
    sample = data.draw(st.integers(1, population))
    hits = data.draw(st.integers(0, sample))

    def possible(tail: float) -> list[int]:
        return [
            total
            for total in range(hits, population - (sample - hits) + 1)
            if scipy.stats.hypergeom.sf(hits - 1, population, total, sample) > tail
            and scipy.stats.hypergeom.cdf(hits, population, total, sample) > tail
        ]

    # A chance may be 0.025 to the last digit; then either answer is right.
    strict, loose = possible(0.025 + 1e-12), possible(0.025 - 1e-12)
    low, high = total_interval(hits, sample, population)
    assert low in (strict[0], loose[0])
    assert high in (strict[-1], loose[-1])


def test_the_interval_of_a_total_among_many_is_that_of_scipy():
    low, high = total_interval(700, 1000, 10_000)
    marked = np.arange(6000, 8000)
    right = (scipy.stats.hypergeom.sf(699, 10_000, marked, 1000) > 0.025) & (
        scipy.stats.hypergeom.cdf(700, 10_000, marked, 1000) > 0.025
    )
    assert (low, high) == (marked[right].min(), marked[right].max())


def test_the_interval_of_a_total_holds_as_often_as_it_says():
    truth = random.Random(1)
    population = [number < 300 for number in range(1000)]
    held_in = 0
    for _ in range(400):
        low, high = total_interval(sum(truth.sample(population, 60)), 60, 1000)
        held_in += low <= 300 <= high
    assert held_in >= 0.95 * 400 - 3 * math.sqrt(400 * 0.05 * 0.95)


def test_a_random_sample_tells_of_all_findings():
    log = d.DecisionLog()

    def add(finding: int, decided: str, who: str, queue: str) -> None:
        entry = d.decision(finding, decided, who, time=TIME, queue=queue)
        log.add(entry.numbered(log.last + 1))

    add(1, d.MINE, "A", "most confident")
    add(2, d.MINE, "A", "random 7")
    add(3, d.FALSE, "A", "random 7")
    add(4, d.UNSURE, "A", "random 7")
    found = p.estimate_all(log, range(1, 13), "random 7")
    # 12 findings less the one known and the unsure one: 10, of which half are right, and the known.
    assert found.expected == pytest.approx(1 + 5)
    low, high = total_interval(1, 2, 10)
    assert (found.low, found.high) == (1 + low, 1 + high)
    assert (found.sample, found.findings) == (2, 12)
    assert p.estimate_all(log, range(1, 13), "random 8") is None
    # Whoever looks again at what was confirmed, and agrees, changes nothing.
    add(2, d.DAM, "B", "second opinions")
    assert p.estimate_all(log, range(1, 13), "random 7") == found


def test_pauses_do_not_count_as_work():
    times = ["00:00:00", "00:00:04", "00:00:10", "00:30:00", "00:30:06"]
    rows = [d.decision(1, d.MINE, "A", time=f"2026-01-01T{time}Z") for time in times]
    assert p.seconds_for_each(rows) == 6
    assert p.seconds_for_each(rows[:1]) is None
    assert p.seconds_for_each(rows[-2:]) == 6
