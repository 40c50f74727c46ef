"""Algorithm: training of the impact classifier from chips."""

from __future__ import annotations

from gossan.processing_provider.mines.trainings import MineTraining


class TrainImpactClassifier(MineTraining):
    """Trains the classifier of high impact, low impact and no ore."""

    ID = "trainimpactclassifier"
    NAME = "Train impact classifier"
    GROUP = "mines"
    TAGS = ("mines", "impact", "ore", "deep learning", "CNN", "training", "fine-tuning")
    DOES = (
        "Trains the network that judges the middle 200 m of a found cell: high impact (metals, "
        "phosphate, limestone, schist, bauxite), low impact (sand, gravel, clay, stone) or no ore, "
        "or teaches a given one further, and finds out how far it can be trusted at sites that it "
        "had not seen."
    )
    NEEDS = (
        "Folders of chips of 21 pixels with these classes, from <i>Extract chips</i> with the kind "
        "<i>impact: 21 px</i>, where names of ores become classes, or from <i>Collect reviewed "
        "findings</i>. Gold looks low in the image and is not."
    )
    GIVES = (
        "A model for <i>Detect mines</i>; scores as means over the classes, with the confusion "
        "matrix, from chips that were held out; a report."
    )
    SOURCE = "Balaniuk and others (2020), Sensors 20, 6936: 2,373,219 weights at 12 bands, Adam."
    JOB = "mines.train_impact"
    RATES = "0.0001"
