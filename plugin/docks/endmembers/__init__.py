"""The dock *Endmembers*: spectra under the mouse, beside those of libraries."""
