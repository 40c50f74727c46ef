"""Training of networks: it learns, repeats, stops early, is cancelled and goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from gossan.core.errors import BundleError, CancelledError, GossanError, InputError
from gossan.core.progress import Progress
from gossan.models.networks import runtime
from gossan.models.networks.options import TrainingOptions
from gossan.models.networks.training import train
from gossan.models.networks.weights import count_weights, set_weights, weights_of

tensorflow = pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(96, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")
WEIGHTS = np.ones((96, 1), dtype="float32")


def batches(epoch):
    order = np.random.default_rng(epoch).permutation(64)
    for start in range(0, 64, 16):
        chosen = order[start : start + 16]
        yield X[chosen], Y[chosen], WEIGHTS[chosen]


def held_out(_):
    yield X[64:], Y[64:], WEIGHTS[64:]


def squared(targets, outputs):
    return (targets - outputs) ** 2


def network(seed=1, dropout=0.0):
    keras = runtime.repeatable(seed).keras
    inputs = keras.Input((3,))
    flow = keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
    flow = keras.layers.Dropout(dropout, name="dropout")(flow)
    return keras.Model(inputs, keras.layers.Dense(1, name="out")(flow))


def test_it_learns_and_reports_every_epoch():
    seen = []
    progress = Progress(on_measures=lambda epoch, values: seen.append((epoch, dict(values))))
    options = TrainingOptions(epochs=40, learning_rate=0.02)
    history = train(network(), batches, squared, options, progress, validation=held_out)
    assert [epoch for epoch, _ in seen] == list(range(1, 41))
    assert history.curve("validation_loss")[-1] < 0.1 * history.curve("validation_loss")[0]
    assert not history.stopped_early


def test_the_weights_of_the_best_epoch_are_kept():
    model = network()
    options = TrainingOptions(epochs=30, learning_rate=0.3, patience=3)
    history = train(model, batches, squared, options, Progress(), validation=held_out)
    final = float(np.mean((model(X[64:]).numpy() - Y[64:]) ** 2))
    assert final == pytest.approx(np.nanmin(history.curve("validation_loss")), rel=1e-4)
    if history.stopped_early:
        assert len(history.measures) == history.best + 3


def test_the_same_seed_gives_the_same_weights():
    options = TrainingOptions(epochs=3)
    models = [network(seed=5, dropout=0.3) for _ in range(1)]
    train(models[0], batches, squared, options, Progress())
    models.append(network(seed=5, dropout=0.3))
    train(models[1], batches, squared, options, Progress())
    for one, other in zip(models[0].weights, models[1].weights):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_a_weight_of_zero_leaves_a_sample_out():
    def poisoned(epoch):
        for x, y, w in batches(epoch):
            spoilt, weight = y.copy(), w.copy()
            spoilt[0], weight[0] = 1e6, 0.0
            yield x, spoilt, weight

    model = network()
    history = train(model, poisoned, squared, TrainingOptions(epochs=20), Progress())
    assert history.curve("loss")[-1] < 10


def test_an_interrupted_training_goes_on_to_the_same_weights(tmp_path):
    checkpoint = tmp_path / "training.state"
    options = TrainingOptions(epochs=6, learning_rate=0.01)
    whole = network(dropout=0.4)
    train(whole, batches, squared, options, Progress(), validation=held_out)
    epochs = []
    interrupted = Progress(
        on_measures=lambda epoch, _: epochs.append(epoch), cancelled=lambda: len(epochs) >= 3
    )
    with pytest.raises(CancelledError):
        train(
            network(dropout=0.4),
            batches,
            squared,
            options,
            interrupted,
            validation=held_out,
            checkpoint=checkpoint,
        )
    assert checkpoint.exists()
    again = network(dropout=0.4)
    history = train(
        again, batches, squared, options, Progress(), validation=held_out, checkpoint=checkpoint
    )
    assert len(history.measures) == 6
    assert not checkpoint.exists()
    for one, other in zip(whole.weights, again.weights):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-6, atol=1e-7)


def test_a_checkpoint_of_other_options_is_passed_over(tmp_path):
    checkpoint = tmp_path / "training.state"
    checkpoint.write_bytes(b"not a state")
    options = TrainingOptions(epochs=2)
    history = train(network(), batches, squared, options, Progress(), checkpoint=checkpoint)
    assert len(history.measures) == 2


def test_a_training_that_runs_away_says_so():
    options = TrainingOptions(epochs=50, learning_rate=1e12, optimizer="sgd")
    with pytest.raises(GossanError, match="ran away"):
        train(network(), batches, squared, options, Progress())


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"learning_rate": 0.0}, {"optimizer": "lion"}, {"patience": 0}]
)
def test_options_that_train_nothing_are_refused(wrong):
    with pytest.raises(InputError):
        TrainingOptions(**wrong)


def test_weights_travel_by_name_and_are_checked():
    one, other = network(1), network(2)
    arrays = weights_of(one)
    assert count_weights(one) == 3 * 8 + 8 + 8 + 1
    set_weights(other, arrays, "model.gossan")
    np.testing.assert_array_equal(one(X).numpy(), other(X).numpy())
    name = next(iter(arrays))
    with pytest.raises(BundleError, match="lacks the weights"):
        set_weights(other, {k: v for k, v in arrays.items() if k != name}, "model.gossan")
    with pytest.raises(BundleError, match="unknown weights extra"):
        set_weights(other, {**arrays, "extra": arrays[name]}, "model.gossan")
    with pytest.raises(BundleError, match="have the shape"):
        set_weights(other, {**arrays, name: arrays[name][:1]}, "model.gossan")
    with pytest.raises(BundleError, match="not all finite"):
        set_weights(other, {**arrays, name: arrays[name] * np.nan}, "model.gossan")


def test_the_learning_rate_falls_evenly_to_the_share_that_is_asked_for():
    options = TrainingOptions(epochs=5, learning_rate=0.1, decline=0.0001)
    rates = [options.rate(epoch) for epoch in range(1, 6)]
    np.testing.assert_allclose(rates, [1e-1, 1e-2, 1e-3, 1e-4, 1e-5])
    assert TrainingOptions(epochs=5, learning_rate=0.1).rate(5) == 0.1
    options = TrainingOptions(epochs=5, learning_rate=0.1, decline=0.2, schedule="cosine")
    rates = [options.rate(epoch) for epoch in range(1, 6)]
    np.testing.assert_allclose(rates, [0.1, 0.08828, 0.06, 0.03172, 0.02], atol=1e-5)
    with pytest.raises(InputError, match="schedule"):
        TrainingOptions(schedule="stairs")
    moved = []
    for decline in (1.0, 1e-6):
        before = network(seed=2)
        train(before, batches, squared, TrainingOptions(epochs=1, learning_rate=0.01), Progress())
        after = network(seed=2)
        options = TrainingOptions(epochs=2, learning_rate=0.01, decline=decline)
        train(after, batches, squared, options, Progress())
        moved.append(
            max(np.abs(a.numpy() - b.numpy()).max() for a, b in zip(before.weights, after.weights))
        )
    assert moved[1] < 1e-3 * moved[0], "the second epoch hardly moves what the first has learnt"


@pytest.mark.parametrize("driver", [False, True])
@pytest.mark.parametrize("devices", [[], ["GPU:0"]])
def test_tensorflow_is_asked_for_graphics_processors_where_their_driver_knows_one(
    driver, devices, monkeypatch
):
    asked = []

    def load():
        asked.append(True)
        return SimpleNamespace(config=SimpleNamespace(list_physical_devices=lambda kind: devices))

    monkeypatch.setattr(runtime, "_driver_knows_one", lambda: driver)
    monkeypatch.setattr(runtime, "load", load)
    runtime.has_graphics_processor.cache_clear()
    assert runtime.has_graphics_processor() == (driver and bool(devices))
    assert bool(asked) == driver
    runtime.has_graphics_processor.cache_clear()


def test_without_a_driver_there_is_no_graphics_processor(monkeypatch):
    def missing(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(runtime.ctypes, "CDLL", missing)
    runtime.has_graphics_processor.cache_clear()
    assert not runtime.has_graphics_processor()
    runtime.has_graphics_processor.cache_clear()


COUNT_THREADS = """
from gossan.models.networks import runtime
runtime.one_thread_each()
tensorflow = runtime.load()
tensorflow.matmul(tensorflow.ones((300, 300)), tensorflow.ones((300, 300)))
with open("/proc/self/status") as status:
    print([line for line in status if line.startswith("Threads")][0].split()[1])
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="counts threads as Linux does")
def test_operations_may_be_kept_to_the_thread_that_asks_for_them():
    def threads(code):
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        return int(done.stdout)

    assert threads(COUNT_THREADS) < threads(COUNT_THREADS.replace("runtime.one_thread_each()", ""))
