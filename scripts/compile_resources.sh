#!/usr/bin/env bash
# Compiles resources.qrc to resources.py (needs pyrcc5, Debian's pyqt5-dev-tools). Run it after a
# change to an icon and commit both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# pyrcc5 embeds the files' times: fixed ones keep the result the same everywhere.
touch -d '2026-01-01 00:00:00 UTC' plugin/icons/*.svg
pyrcc5 -no-compress resources.qrc | sed 's/^from PyQt5 import/from qgis.PyQt import/' >resources.py.part
mv resources.py.part resources.py
