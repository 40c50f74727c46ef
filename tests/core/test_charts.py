from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_hex

from gossan.core import charts
from gossan.core.charts import Scatter

RANDOM = np.random.default_rng(3)
MEASURED = RANDOM.gamma(2, 20, size=30)
PREDICTED = MEASURED + RANDOM.normal(size=30)


def drawn(figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    return stream.getvalue()


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_training_is_blue_circles_validation_red_triangles_on_a_line_of_equality():
    figure = charts.scatter_measured_predicted(
        Scatter("Cd", "mg/kg", (MEASURED, PREDICTED), (MEASURED[:5], PREDICTED[:5]), {"R²": 0.91})
    )
    (axes,) = figure.axes
    training, validation = axes.collections
    np.testing.assert_array_equal(training.get_offsets(), np.column_stack([MEASURED, PREDICTED]))
    assert len(validation.get_offsets()) == 5
    assert to_hex(training.get_facecolor()[0]) == charts.BLUE
    assert to_hex(validation.get_facecolor()[0]) == charts.RED
    assert len(training.get_paths()[0].vertices) > len(validation.get_paths()[0].vertices) == 4
    line = axes.lines[0]
    np.testing.assert_array_equal(line.get_xdata(), line.get_ydata())
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlabel() == "measured (mg/kg)"
    assert axes.get_ylabel() == "predicted (mg/kg)"
    assert texts(axes) == ["R² 0.91"]
    assert drawn(figure)


def test_every_target_has_its_panel():
    panels = [Scatter(name, training=(MEASURED, PREDICTED)) for name in "ABCDE"]
    figure = charts.scatter_measured_predicted(panels, columns=2)
    assert [axes.get_title() for axes in figure.axes] == list("ABCDE")
    assert drawn(figure)


@pytest.mark.parametrize(
    "panel",
    [
        Scatter("nothing"),
        Scatter("missing", training=(np.full(3, np.nan), np.zeros(3))),
        Scatter("constant", validation=(np.ones(3), np.ones(3))),
    ],
)
def test_scatter_plots_of_little_are_drawn(panel):
    assert drawn(charts.scatter_measured_predicted(panel))


def test_a_matrix_shows_its_values_and_leaves_missing_ones_empty():
    values = np.array([[1.0, -0.5], [np.nan, 0.25]])
    figure = charts.matrix_heatmap(values, ["Cd", "Pb"], label="r", limits=(-1, 1))
    axes = figure.axes[0]
    assert texts(axes) == ["1.00", "−0.50", "0.25"]
    assert axes.images[0].norm.vmin == -1
    assert axes.images[0].norm.vmax == 1
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Cd", "Pb"]
    assert drawn(figure)


def test_zero_is_white_where_values_have_both_signs():
    figure = charts.matrix_heatmap(np.array([[-1.0, 4.0]]), ["zone"], columns=["Cd", "Pb"])
    image = figure.axes[0].images[0]
    assert image.norm.vmin == -image.norm.vmax
    assert min(image.cmap(image.norm(0.0))[:3]) > 0.95


def test_counts_are_printed_as_whole_numbers():
    figure = charts.matrix_heatmap(
        np.array([[10, 2], [0, 7]]), ["a", "b"], row_label="reference", column_label="map"
    )
    assert texts(figure.axes[0]) == ["10", "2", "0", "7"]


def test_a_matrix_that_does_not_fit_its_names_is_refused():
    with pytest.raises(ValueError, match="does not fit"):
        charts.matrix_heatmap(np.zeros((2, 3)), ["a", "b"])


def test_spectra_have_gaps_where_bands_were_removed():
    wavelengths = np.arange(400.0, 2500.0, 10.0)
    good = ~((wavelengths > 1340) & (wavelengths < 1460))
    marked = charts.spectra_plot(wavelengths, {"clay": np.ones(210)}, good=good).axes[0].lines[0]
    assert np.isnan(marked.get_ydata()).sum() == (~good).sum()
    cut = charts.spectra_plot(wavelengths[good], np.ones((1, good.sum()))).axes[0].lines[0]
    missing = np.flatnonzero(np.isnan(cut.get_ydata()))
    assert missing.size == 1
    assert 1340 < cut.get_xdata()[missing[0]] < 1460


def test_the_bands_of_a_multispectral_sensor_stay_joined():
    wavelengths = [443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1610, 2190]
    line = charts.spectra_plot(np.array(wavelengths), np.ones((1, 12))).axes[0].lines[0]
    assert list(line.get_xdata()) == wavelengths
    assert np.all(np.isfinite(line.get_ydata()))


def test_unordered_bands_are_drawn_in_order_of_wavelength():
    line = charts.spectra_plot(np.array([3.0, 1.0, 2.0]), np.array([[30.0, 10.0, 20.0]]))
    np.testing.assert_array_equal(line.axes[0].lines[0].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(line.axes[0].lines[0].get_ydata(), [10, 20, 30])


def test_every_spectrum_has_a_look_and_a_name_of_its_own():
    figure = charts.spectra_plot(None, RANDOM.random((12, 5)), ["soil"] * 2 + list("abcdefghij"))
    axes = figure.axes[0]
    assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 12
    assert len({line.get_label() for line in axes.lines}) == 12
    assert axes.get_xlabel() == "band"
    assert drawn(figure)


def test_curves_carry_their_names_and_axes():
    figure = charts.curve_plot(
        [2, 3, 4], {"a": [1, np.nan, 3], "b": [3, 2, 1]}, x_label="zones", y_label="silhouette"
    )
    axes = figure.axes[0]
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("zones", "silhouette")
    assert drawn(figure)


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 5), np.nan),
        np.zeros((1, 1)),
        RANDOM.random((3, 4, 3)),
        RANDOM.random((2, 3000)),
        np.ones((3, 3), dtype=np.uint8),
    ],
)
def test_maps_of_any_content_are_drawn(array):
    assert drawn(charts.map_picture(array, "inferno", "Cd (mg/kg)", title="Cd"))


def test_a_large_map_is_thinned():
    figure = charts.map_picture(np.zeros((5000, 100), dtype=np.float32))
    assert max(figure.axes[0].images[0].get_array().shape) <= 1400


def test_charts_need_no_screen_and_no_global_state():
    code = (
        "import sys, gossan.core.charts, gossan.core.report\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_curves_without_a_positive_value_are_drawn_on_a_linear_axis():
    for values, scale in (([0.0, 0.0], "linear"), ([0.0, 1.0], "log")):
        figure = charts.curve_plot(
            [1, 2], {"eigenvalues": values}, x_label="component", y_label="variance", log_y=True
        )
        assert figure.axes[0].get_yscale() == scale
