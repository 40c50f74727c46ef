"""What the dock asks the engine: spectra of places, the ranking of a library, treatments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qgis.core import QgsProcessingException, QgsRasterLayer

from gossan.plugin.background import Background
from gossan.plugin.docks.endmembers.errands import Errand, Errands
from gossan.plugin.docks.endmembers.layers import crs_text
from gossan.plugin.docks.endmembers.spectra import Spectrum
from gossan.processing_provider.inputs import raster_file

NUMBERED = "The image does not say its wavelengths, so no library can be laid over it."


class Looking:
    """Small jobs, one for each click; the engine is warmed before the first.

    Parameters
    ----------
    background : Background
    content : Content
        Shows that a spectrum is on its way, and what went wrong.
    looked : callable
        Called with an errand and the job's answer.
    ranked : callable
        Called with the spectrum, or None, the rows of its ranking and sentences about it.
    """

    def __init__(
        self,
        background: Background,
        content: Any,
        *,
        looked: Callable[[Errand, dict[str, Any]], None],
        ranked: Callable[[Spectrum | None, list[dict[str, Any]], list[str]], None],
    ) -> None:
        self._background = background
        self._content = content
        self._looked = looked
        self._ranked = ranked
        self._errands = Errands()

    def warm(self) -> None:
        """Have an engine ready for the first click, which waits for it and tells what is wrong."""
        if self._errands.under_way is None:
            self._background.job(
                *("warm", "engine", "spectra.treat", {"spectra": [_SPECTRUM]}),
                lambda _: self._start(self._errands.under_way),
                lambda _: self._start(self._errands.under_way),
            )

    def ask(
        self, layer: QgsRasterLayer, what: dict[str, Any], library: str, *, keep: bool, **known: Any
    ) -> None:
        """Ask for spectra of a layer.

        Parameters
        ----------
        layer : QgsRasterLayer
        what : dict
            ``points`` or ``rings``, in the layer's CRS.
        library : str
            Path of the library to rank; empty for none.
        keep : bool
            Whether the spectra are added to those that are there.
        known : dict
            Further fields of the `Errand`.
        """
        try:
            raster = raster_file(layer)
        except QgsProcessingException as problem:
            self._content.say(str(problem))
            return
        parameters = {"raster": raster, "library": library, **what}
        errand = Errand(parameters, layer.name(), crs_text(layer.crs()), keep, **known)
        if not self._background.running("look") and not self._background.running("warm"):
            # Cancelled in QGIS's list of tasks, which tells nobody.
            self._errands.forget()
        start = self._errands.ask(errand)
        if start is None and self._errands.is_long_and_superseded:
            self._background.cancel("look")
            start = self._errands.next()
        if start is not None:
            self._start(start)

    def rank(self, spectrum: Spectrum | None, library: str) -> None:
        """Rank a library for a spectrum."""
        self._background.cancel("rank")
        if spectrum is None or not library or spectrum.unit != "nm":
            numbered = spectrum is not None and spectrum.unit != "nm"
            self._ranked(spectrum, [], [NUMBERED] if numbered and library else [])
            return
        self._background.job(
            *("rank", "ranking of the library", "spectra.rank_library"),
            {
                "library": library,
                "wavelengths": spectrum.axis,
                "fwhm": spectrum.fwhm,
                "reflectance": spectrum.curves["reflectance"],
            },
            lambda answer: self._ranked(spectrum, answer["nearest"], answer["library_notes"]),
            lambda sentence: self._ranked(spectrum, [], [sentence]),
        )

    def treat(self, spectra: Sequence[Spectrum], then: Callable[[], None]) -> None:
        """Give spectra of a project their treatments."""
        rows = [{"axis": each.axis, "reflectance": each.curves["reflectance"]} for each in spectra]

        def done(answer: dict[str, Any]) -> None:
            for spectrum, curves in zip(spectra, answer["treatments"]):
                spectrum.curves.update(curves)
            then()

        self._background.job(
            *("treat", "spectra of the project", "spectra.treat", {"spectra": rows}),
            done,
            self._content.say,
        )

    def forget(self) -> None:
        """Drop all that was asked."""
        self._background.cancel_all()
        self._errands.forget()
        self._content.busy(False)

    def _start(self, errand: Errand | None) -> None:
        self._content.busy(errand is not None)
        if errand is not None and not self._background.running("warm"):
            self._background.job(
                *("look", "spectrum", "spectra.look", errand.parameters),
                lambda answer: self._on_looked(errand, answer),
                self._on_failed,
            )

    def _on_looked(self, errand: Errand, answer: dict[str, Any]) -> None:
        wanted = not self._errands.superseded
        self._start(self._errands.next())
        if wanted:
            self._background.cancel("rank")
            if answer["axis"]["unit"] != "nm" and errand.parameters["library"]:
                answer["library_notes"] = [NUMBERED]
            self._looked(errand, answer)

    def _on_failed(self, sentence: str) -> None:
        self._start(self._errands.next())
        self._content.say(sentence)


_SPECTRUM = {"axis": [400.0, 500.0, 600.0], "reflectance": [0.1, 0.3, 0.2]}
