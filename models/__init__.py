"""The science, one package per capability."""
