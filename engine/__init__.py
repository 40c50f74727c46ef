"""The boundary between QGIS and the science: a child process with packages of its own."""
