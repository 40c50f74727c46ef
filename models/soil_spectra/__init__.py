"""Elements from laboratory soil spectra."""
