"""The layers that Keras models of others may have, and networks rebuilt from them.

Every layer is looked up in a list of those that are known here, with the settings that are
understood; nothing that a description names is ever imported or run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gossan.core.errors import InputError
from gossan.models.networks import runtime

MOST_LAYERS = 500

_LARGEST_NUMBER = 65_536
"""No filter, unit or factor is as large; a forged one would fill the memory."""

_ACTIVATIONS = (
    "linear", "relu", "relu6", "elu", "selu", "gelu", "silu", "swish", "leaky_relu", "tanh",
    "sigmoid", "hard_sigmoid", "softplus", "softmax", "mish",
)  # fmt: skip

_CONVOLUTION = (
    "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation", "use_bias",
)  # fmt: skip
_POOL = ("pool_size", "strides", "padding", "data_format")

LAYERS: Mapping[str, Sequence[str]] = {
    "Activation": ("activation",),
    "Add": (),
    "Average": (),
    "AveragePooling2D": _POOL,
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "Concatenate": ("axis",),
    "Conv2D": ("filters", "groups", *_CONVOLUTION),
    "Cropping2D": ("cropping", "data_format"),
    "Dense": ("units", "activation", "use_bias"),
    "DepthwiseConv2D": ("depth_multiplier", *_CONVOLUTION),
    "Dropout": ("rate",),
    "ELU": ("alpha",),
    "Flatten": ("data_format",),
    "GlobalAveragePooling2D": ("data_format", "keepdims"),
    "GlobalMaxPooling2D": ("data_format", "keepdims"),
    "InputLayer": (),
    "LayerNormalization": ("axis", "epsilon", "center", "scale"),
    "LeakyReLU": ("alpha", "negative_slope"),
    "MaxPooling2D": _POOL,
    "Maximum": (),
    "Multiply": (),
    "PReLU": ("shared_axes",),
    "ReLU": ("max_value", "negative_slope", "threshold"),
    "Rescaling": ("scale", "offset"),
    "SeparableConv2D": ("filters", "depth_multiplier", *_CONVOLUTION),
    "Softmax": ("axis",),
    "SpatialDropout2D": ("rate", "data_format"),
    "ZeroPadding2D": ("padding", "data_format"),
}
"""The layers that a foreign model may have, and the settings of each that change what it gives."""

_TRAINING_ONLY = {
    "name", "trainable", "dtype", "seed", "noise_shape", "batch_input_shape", "batch_shape",
    "sparse", "ragged", "optional", "kernel_initializer", "bias_initializer",
    "depthwise_initializer", "pointwise_initializer", "beta_initializer", "gamma_initializer",
    "alpha_initializer", "moving_mean_initializer", "moving_variance_initializer",
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_regularizer",
    "pointwise_regularizer", "beta_regularizer", "gamma_regularizer", "alpha_regularizer",
    "kernel_constraint", "bias_constraint", "depthwise_constraint", "pointwise_constraint",
    "beta_constraint", "gamma_constraint", "alpha_constraint", "renorm", "renorm_clipping",
    "renorm_momentum", "virtual_batch_size",
    "synchronized", "lora_rank", "lora_alpha", "quantization_config", "rms_scaling", "fused",
}  # fmt: skip
"""Settings that matter while a model is trained only, or whose values are read elsewhere."""

_KNOWN_TEXTS = ("valid", "same", "channels_last", "channels_first")


def build(layers: Sequence[Mapping[str, Any]]) -> Any:
    """Return the network that a list of layers describes, with its first, random weights.

    Parameters
    ----------
    layers : sequence of mapping
        As `read_keras` returns them and a model file keeps them; checked again, for that file may
        come from anywhere.

    Raises
    ------
    InputError
        When one is not known here, or they do not fit together.
    """
    keras = runtime.load().keras
    made: dict[str, Any] = {}
    last: Any = None
    start: Any = None
    try:
        for entry in layers:
            kind, name = entry["layer"], entry["name"]
            if kind not in LAYERS or set(entry["settings"]) - set(LAYERS[kind]):
                raise InputError(f"The layer {name} of the kind {kind} is not known here.")
            if kind == "InputLayer":
                start = last = keras.Input(tuple(entry["shape"]), name=name)
            else:
                settings = {
                    key: _setting(key, value, f"The layer {name!r:.60}")
                    for key, value in entry["settings"].items()
                }
                layer = getattr(keras.layers, kind)(name=name, **settings)
                inputs = [made[source] for source in entry["inputs"]]
                last = layer(inputs[0] if len(inputs) == 1 else inputs)
            made[name] = last
        return keras.Model(start, last, name="foreign")
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        if isinstance(problem, InputError):
            raise
        raise InputError(f"The layers of the model do not fit together: {problem}.") from problem


def layers_of(model: Mapping[str, Any], path: str) -> list[dict[str, Any]]:
    """Return the layers of a description in the order in which data flow."""
    kind = model.get("class_name")
    if kind not in ("Sequential", "Functional", "Model"):
        raise InputError(
            f"{path} is a model of the kind {kind!r:.60}; only Sequential and functional models "
            "can be rebuilt without running their code."
        )
    try:
        config = model["config"]
        entries = config if isinstance(config, list) else config["layers"]
        if len(entries) > MOST_LAYERS:
            raise InputError(f"{path} has {len(entries)} layers; {MOST_LAYERS} can be read.")
        layers = [_layer(entry, path) for entry in entries]
        if kind == "Sequential":
            _chain(layers, config, path)
        else:
            _connect(layers, entries, config, path)
    except (KeyError, TypeError, IndexError, AttributeError) as problem:
        raise InputError(f"The description in {path} cannot be understood: {problem}.") from problem
    inputs = [entry for entry in layers if entry["layer"] == "InputLayer"]
    if len(inputs) != 1 or layers[0] is not inputs[0]:
        raise InputError(f"{path} has {len(inputs)} inputs; a classifier of images has one.")
    return layers


def _layer(entry: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return one layer with the settings that matter."""
    kind, config = str(entry["class_name"]), entry["config"]
    name = str(config["name"])
    if kind not in LAYERS or entry.get("registered_name"):
        why = "runs code of its author" if kind == "Lambda" else "is not known here"
        raise InputError(
            f"{path} cannot be used: its layer {name!r:.60} of the kind {kind!r:.60} {why}. Known "
            f"are {', '.join(sorted(LAYERS))}."
        )
    settings = {}
    for key, value in config.items():
        if key in _TRAINING_ONLY:
            continue
        if key not in LAYERS[kind]:
            if value in (None, False, [], {}):
                continue
            raise InputError(f"{path}: the setting {key!r:.60} of the layer {name!r} is not known.")
        settings[key] = _setting(key, value, f"{path}, layer {name!r:.60}")
    if kind == "LeakyReLU" and "alpha" in settings:
        settings["negative_slope"] = settings.pop("alpha")
    made: dict[str, Any] = {"layer": kind, "name": name, "settings": settings, "inputs": []}
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    if shape:
        made["shape"] = [None if size is None else int(size) for size in shape[1:]]
    return made


def _setting(key: str, value: Any, where: str) -> Any:
    """Return a setting as plain numbers, texts and lists; an activation by its known name."""
    if key == "activation":
        if isinstance(value, Mapping) and value.get("class_name") == "function":
            value = value.get("config")
        if value not in _ACTIVATIONS:
            raise InputError(f"{where}: the activation {value!r:.60} is not known.")
        return value
    if isinstance(value, Mapping) and value.get("class_name") == "__numpy__":
        value = value["config"]["value"]
    if isinstance(value, (list, tuple)):
        return [_setting("", item, where) for item in value]
    if value is None or isinstance(value, bool) or value in _KNOWN_TEXTS:
        return value
    if isinstance(value, (int, float)) and abs(value) <= _LARGEST_NUMBER:
        return value
    raise InputError(f"{where}: the setting {key!r} = {value!r:.60} is not known.")


def _chain(layers: list[dict[str, Any]], config: Any, path: str) -> None:
    """Connect the layers of a sequential model, with an input where it only names its shape."""
    if layers[0]["layer"] != "InputLayer":
        build_shape = config.get("build_input_shape") if isinstance(config, Mapping) else None
        shape = layers[0].get("shape") or (build_shape or [])[1:]
        if not shape:
            raise InputError(f"{path} does not say how large its images are.")
        entry = {"layer": "InputLayer", "name": "gossan_input", "settings": {}, "inputs": []}
        layers.insert(0, {**entry, "shape": list(shape)})
    for before, layer in zip(layers, layers[1:]):
        layer.pop("shape", None)
        layer["inputs"] = [before["name"]]


def _connect(
    layers: list[dict[str, Any]],
    entries: Sequence[Mapping[str, Any]],
    config: Mapping[str, Any],
    path: str,
) -> None:
    """Connect the layers of a functional model and bring them into the order of the data."""
    for layer, entry in zip(layers, entries):
        nodes = entry.get("inbound_nodes") or []
        if len(nodes) > 1:
            raise InputError(f"{path}: the layer {layer['name']!r:.60} is used more than once.")
        layer["inputs"] = list(_sources(nodes))
        if layer["layer"] != "InputLayer":
            layer.pop("shape", None)
    wanted = _names(config["output_layers"])
    if len(wanted) != 1:
        raise InputError(f"{path} has {len(wanted)} outputs; a classifier has one.")
    by_name = {layer["name"]: layer for layer in layers}
    order: dict[str, dict[str, Any]] = {}
    pending = [(wanted[0], False)]
    while pending:
        name, ready = pending.pop()
        if ready:
            order.setdefault(name, by_name[name])
        elif name not in order:
            if len(pending) > 4 * MOST_LAYERS:
                raise InputError(f"{path}: its layers run in a circle.")
            pending.append((name, True))
            pending += [(source, False) for source in by_name[name]["inputs"]]
    ordered = sorted(order.values(), key=lambda layer: layer["layer"] != "InputLayer")
    layers[:] = ordered


def _sources(nodes: Any) -> Iterator[str]:
    """Yield the names of the layers that feed a node, in the way of Keras 2 or 3."""
    for node in nodes:
        if isinstance(node, Mapping):
            for argument in node["args"]:
                for tensor in argument if isinstance(argument, list) else [argument]:
                    yield str(tensor["config"]["keras_history"][0])
        else:
            for tensor in node:
                yield str(tensor[0])


def _names(outputs: Any) -> list[str]:
    """Return the names in ``output_layers``: one entry, or a list of them."""
    if outputs and isinstance(outputs[0], str):
        return [outputs[0]]
    return [str(output[0]) for output in outputs]
