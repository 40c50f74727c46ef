"""Units of wavelengths, and the numbers and lists that metadata hold as text."""

from __future__ import annotations

from collections.abc import Sequence

NANOMETRES_PER = {
    "nm": 1.0,
    "nanometer": 1.0,
    "nanometers": 1.0,
    "nanometre": 1.0,
    "nanometres": 1.0,
    "um": 1000.0,
    "µm": 1000.0,
    "μm": 1000.0,
    "micron": 1000.0,
    "microns": 1000.0,
    "micrometer": 1000.0,
    "micrometers": 1000.0,
    "micrometre": 1000.0,
    "micrometres": 1000.0,
    "m": 1e9,
    "meters": 1e9,
    "cm": 1e7,
    "mm": 1e6,
    "angstrom": 0.1,
    "angstroms": 0.1,
}


NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
UNIT = r"(nm|nanomet(?:er|re)s?|[uµμ]m|microns?|micromet(?:er|re)s?)"
WAVELENGTH_KEYS = (
    "wavelength",
    "wavelengths",
    "central_wavelength",
    "center_wavelength",
    "centre_wavelength",
    "wavelength_nm",
    "center",
)
UNIT_KEYS = (
    "wavelength_units",
    "wavelength_unit",
    "wavelengths_units",
)
FWHM_KEYS = ("fwhm", "fwhms", "bandwidth", "band_width", "fwhm_nm")


def to_nanometres(
    values: Sequence[float | None], unit: str | None
) -> tuple[list[float | None], str | None]:
    """Convert wavelengths to nm.

    Parameters
    ----------
    values : sequence of float or None
        Wavelengths in ``unit``.
    unit : str or None
        Name of the unit in any spelling; None, empty or "Unknown" means that the file is silent.

    Returns
    -------
    values : list of float or None
        Wavelengths, nm.
    note : str or None
        What was assumed, where the unit is not known.
    """
    factor = NANOMETRES_PER.get((unit or "").strip().lower().rstrip("."))
    note = None
    if factor is None:
        known = [value for value in values if value is not None]
        # No sensor of reflected light has a band beyond 100 um or below 100 nm.
        factor = 1000.0 if known and max(known) < 100.0 else 1.0
        name = "micrometres" if factor == 1000.0 else "nanometres"
        note = (
            f"The unit of the wavelengths is not given ({unit or 'no unit'}); from their values "
            f"they are taken as {name}."
        )
    return [None if value is None else value * factor for value in values], note


def parse_list(text: str) -> list[str]:
    """Split an ENVI list ``{a, b, c}``, or a plain one with commas or blanks, into its items."""
    body = text.strip()
    if body.startswith("{"):
        body = body[1:]
    if body.endswith("}"):
        body = body[:-1]
    separator = "," if "," in body else (";" if ";" in body else None)
    return [item.strip() for item in body.split(separator) if item.strip()]


def parse_numbers(text: str) -> list[float] | None:
    """Return the numbers of an ENVI list, or None when an item is not a number."""
    try:
        return [float(item) for item in parse_list(text)]
    except ValueError:
        return None


def parse_number(text: str | None) -> float | None:
    """Return the number that a text is, or None."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
