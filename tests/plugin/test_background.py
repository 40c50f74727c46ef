"""Work beside the window: results arrive in the main thread, newer work takes the older's place."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsApplication

from gossan.engine import client
from gossan.plugin.background import Background


@pytest.fixture
def background(qgis_application):
    work = Background()
    yield work
    work.cancel_all()


def test_a_result_arrives_in_the_main_thread(background, wait_until):
    seen = {}

    def work(feedback):
        seen["worked in"] = threading.current_thread()
        return 42

    def done(result):
        seen["result"] = result
        seen["told in"] = threading.current_thread()

    background.start("answer", "count", work, done, pytest.fail)
    assert background.running("answer")
    wait_until(lambda: "result" in seen)
    assert seen["result"] == 42
    assert seen["told in"] is threading.main_thread()
    assert seen["worked in"] is not threading.main_thread()
    assert not background.running("answer")


def test_a_failure_arrives_as_a_sentence(background, wait_until):
    sentences = []

    def work(feedback):
        raise client.EngineError("InputError", "Band 3 of scene.tif is missing.")

    background.start("answer", "read", work, pytest.fail, sentences.append)
    wait_until(lambda: sentences)
    assert sentences == ["Band 3 of scene.tif is missing."]


def test_newer_work_takes_the_place_of_older_work_of_the_same_key(background, wait_until):
    results = []
    freed = threading.Event()

    def slow(feedback):
        freed.wait(10)
        return "old"

    background.start("spectrum", "read", slow, results.append, pytest.fail)
    background.start("spectrum", "read", lambda feedback: "new", results.append, pytest.fail)
    wait_until(lambda: results)
    freed.set()
    time.sleep(0.1)
    wait_until(lambda: not background.running("spectrum"))
    assert results == ["new"]


def test_cancelled_work_hears_of_it_and_hands_nothing_over(background, wait_until):
    begun, heard = threading.Event(), threading.Event()

    def work(feedback):
        begun.set()
        while not feedback.isCanceled():
            time.sleep(0.01)
        heard.set()
        return 1

    background.start("training", "train", work, pytest.fail, pytest.fail)
    wait_until(begun.is_set)
    background.cancel_all()
    wait_until(heard.is_set)
    wait_until(lambda: not QgsApplication.taskManager().countActiveTasks())
    assert not background.running("training")


def test_what_a_training_measures_arrives_as_a_signal(background, wait_until):
    measured, done = [], []

    def work(feedback):
        time.sleep(0.05)
        feedback.measured("epoch 1", {"loss": 0.5})
        return

    task = background.start("training", "train", work, done.append, pytest.fail)
    task.measured.connect(lambda step, values: measured.append((step, values)))
    wait_until(lambda: done and measured)
    assert measured == [("epoch 1", {"loss": 0.5})]
