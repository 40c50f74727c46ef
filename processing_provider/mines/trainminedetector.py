"""Algorithm: training of the mine detector from chips."""

from __future__ import annotations

from gossan.processing_provider.mines.trainings import MineTraining


class TrainMineDetector(MineTraining):
    """Trains the fully convolutional detector, or teaches one further."""

    ID = "trainminedetector"
    NAME = "Train mine detector"
    GROUP = "mines"
    TAGS = ("mines", "tailings", "dams", "deep learning", "CNN", "FCN", "fine-tuning", "training")
    DOES = (
        "Trains the fully convolutional network that tells cells of 270 m with a mine or tailings "
        "from all others, or teaches a given one further, and finds out how far it can be trusted "
        "at sites that it had not seen. Chips of 243 pixels count by their inner cell, tiles by "
        "all their cells but the outermost, so that the network learns from just what the search "
        "will show it."
    )
    NEEDS = (
        "Folders of chips of mines and of background with the same bands and pixel size: from "
        "<i>Extract chips</i> around known mines and around <i>Sample background</i>'s points, or "
        "from <i>Collect reviewed findings</i>."
    )
    GIVES = (
        "A model for <i>Detect mines</i> with bands, scaling and scores in its card; precision, "
        "recall, F1, areas under the curves and the confusion matrix from chips that were held "
        "out; a report with learning curves. The epochs are not chosen by the held-out chips."
    )
    SOURCE = "Balaniuk and others (2020), Sensors 20, 6936: 259,810 weights at 12 bands, Adam."
    JOB = "mines.train_detector"
    RATES = "0.001 for a new model, 0.0001 for one that is taught further"
