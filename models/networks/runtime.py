"""TensorFlow, loaded when a network is built or run, and not before."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
from typing import Any

from gossan.core.errors import GossanError
from gossan.core.progress import Progress


def load(progress: Progress | None = None) -> Any:
    """Return the module ``tensorflow``, and say on what it computes.

    Parameters
    ----------
    progress : Progress, optional
        Receives one sentence that names the graphics processors, or says that there is none.

    Raises
    ------
    GossanError
        When TensorFlow is not installed or does not start.
    """
    try:
        import tensorflow
    except ImportError as problem:
        raise GossanError(
            "This needs TensorFlow, which the engine lacks. Set the engine up again, with 'Also "
            f"what networks need' ticked. ({problem})"
        ) from problem
    # Its advice on how to write programs is not for those who use them.
    tensorflow.get_logger().setLevel("ERROR")
    if progress is not None:
        progress.say(f"TensorFlow {tensorflow.__version__} computes on {_devices(tensorflow)}.")
    return tensorflow


@functools.cache
def has_graphics_processor() -> bool:
    """Tell whether TensorFlow is there and has a graphics processor to compute on.

    TensorFlow takes seconds to start. So the driver of such processors is asked first, and
    TensorFlow only where it knows one.
    """
    if importlib.util.find_spec("tensorflow") is None or not _driver_knows_one():
        return False
    return bool(load().config.list_physical_devices("GPU"))


def _driver_knows_one() -> bool:
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(name)
    except OSError:
        return False
    count = ctypes.c_int(0)
    return (
        driver.cuInit(0) == 0
        and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
        and count.value > 0
    )


def versions() -> dict[str, str]:
    """Return the versions that a model card names: TensorFlow and Keras."""
    tensorflow = load()
    return {"tensorflow": tensorflow.__version__, "keras": tensorflow.keras.__version__}


def repeatable(seed: int) -> Any:
    """Return TensorFlow with all its random numbers started from a seed, and its sums in order.

    The same seed then gives the same weights on the same machine.
    """
    tensorflow = load()
    tensorflow.config.experimental.enable_op_determinism()
    tensorflow.keras.utils.set_random_seed(seed)
    return tensorflow


def one_thread_each() -> None:
    """Have TensorFlow compute each operation on the thread that asks for it, once it is loaded.

    For processes whose threads work side by side, such as Dask's workers: the threads of an
    operation wait for each other by spinning, which costs a quarter of the time then. Where
    TensorFlow has begun already, as by another job in the same process, nothing changes.
    """
    for kind in ("INTRAOP", "INTEROP"):
        os.environ[f"TF_NUM_{kind}_THREADS"] = "1"


def _devices(tensorflow: Any) -> str:
    found = tensorflow.config.list_physical_devices("GPU")
    names = [
        tensorflow.config.experimental.get_device_details(device).get("device_name", device.name)
        for device in found
    ]
    for device in found:
        # Otherwise it takes all of the memory, and other programs none.
        tensorflow.config.experimental.set_memory_growth(device, True)
    return ", ".join(names) if names else "the processor (no graphics processor was found)"
