"""Ground floor of the science: rasters, bands, spectra, samples, blocks, models and reports."""
