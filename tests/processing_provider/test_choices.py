"""What the dialogs offer is what the jobs accept; the toolbox cannot import their lists itself."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("qgis.core")

from qgis.core import QgsProcessingModelAlgorithm

from gossan.processing_provider.metals.mapmetals import APPLICABILITY
from gossan.processing_provider.soilspectra.spectra_parameters import PATTERN, STEP_NAMES, STEPS
from gossan.processing_provider.soilspectra.styles import APPLICABILITY as APPLICABLE

ACCEPTED = {
    ("orthorectify", "RESAMPLING"): "gossan.models.imagery.orthorectification:RESAMPLINGS",
    ("calibratereflectance", "QUANTITY"): "gossan.models.imagery.gain_sources:QUANTITIES",
    ("calibratereflectance", "CORRECTION"): "gossan.models.imagery.atmosphere:CORRECTIONS",
    ("searchimagery", "CATALOGUE"): "gossan.models.imagery.catalogues:CHOICES",
    ("cloudfreecomposite", "METHOD"): "gossan.models.imagery.compositing:METHODS",
    ("cloudfreecomposite", "CLOUD_MASK"): "gossan.models.imagery.clear_sky:MASKS",
    ("cloudfreecomposite", "GRID"): "gossan.models.imagery.composite_grid:GRIDS",
    ("cloudfreecomposite", "NUMBER_TYPE"): "gossan.models.imagery.composite:NUMBER_TYPES",
    ("extractendmembers", "WORKFLOW"): "gossan.models.endmembers.options:WORKFLOWS",
    ("extractendmembers", "SELECTION"): "gossan.models.endmembers.selection:SELECTIONS",
    ("extractendmembers", "SPACE"): "gossan.models.endmembers.options:SPACES",
    ("extractendmembers", "VCA_PROJECTION"): "gossan.models.endmembers.options:VCA_PROJECTIONS",
    ("estimateabundances", "METHOD"): "gossan.models.abundances.methods:METHODS",
    ("resamplelibrary", "METHOD"): "gossan.core.spectra:RESAMPLING_METHODS",
    ("trainmetalinversion", "METHOD"): "gossan.models.metals.regressors:METHODS",
    ("trainmetalinversion", "VALIDATION"): "gossan.models.metals.sample_splits:VALIDATIONS",
    ("trainmetalinversion", "BELOW_LIMIT"): "gossan.core.censored:LOWER_RULES",
    ("trainmetalinversion", "DUPLICATES"): "gossan.core.samples:DUPLICATE_RULES",
    ("mapmetals", "UNCERTAINTY_KIND"): "gossan.models.metals.map_outputs:UNCERTAINTY_KINDS",
    ("assessmetals", "BELOW_LIMIT"): "gossan.core.censored:LOWER_RULES",
    ("correlatemetals", "BELOW_LIMIT"): "gossan.core.censored:LOWER_RULES",
    ("preparescenes", "METHOD"): "gossan.models.deposits.chip_making:METHODS",
    ("preparescenes", "DOWNSAMPLING"): "gossan.models.deposits.downsampling:WAYS",
    ("preparescenes", "SCALING"): "gossan.models.deposits.scene_image:SCALINGS",
    ("preparescenes", "CLOUD_RULE"): "gossan.models.deposits.clouds:CLOUD_RULES",
    ("preparescenes", "LOCATIONS"): "gossan.models.deposits.locations:LOCATION_RULES",
    ("traindepositmodel", "GOAL"): "gossan.models.deposits.learning_sets:GOALS",
    ("traindepositmodel", "NETWORKS"): "gossan.models.deposits.training_jobs:NETWORKS",
    ("traindepositmodel", "CONVOLUTION"): "gossan.models.deposits.architecture:SIZES",
    ("traindepositmodel", "DENSE"): "gossan.models.deposits.architecture:SIZES",
    ("labelscenes", "OUTLINE"): "gossan.models.deposits.scenes:FOOTPRINTS",
    ("labelscenes", "OCEAN_RULE"): "gossan.models.deposits.land:OCEAN_RULES",
    ("compareworkflows", "WORKFLOWS"): "gossan.models.metals.comparison:WORKFLOWS",
    ("compareworkflows", "METHODS"): "gossan.models.metals.comparison:METHODS",
    ("trainlithology", "METHOD"): "gossan.models.lithology.model_file:METHODS",
    ("trainlithology", "SPLIT"): "gossan.models.lithology.holdout:SPLITS",
    ("trainlithology", "RECIPE"): "gossan.models.lithology.learning:RECIPES",
    ("compareworkflows", "VALIDATION"): "gossan.models.metals.sample_splits:VALIDATIONS",
    ("preprocessspectra", "REPLICATES"): "gossan.models.soil_spectra.joining:REPLICATE_RULES",
    ("trainspectralmodel", "REPLICATES"): "gossan.models.soil_spectra.joining:REPLICATE_RULES",
    ("predictelements", "REPLICATES"): "gossan.models.soil_spectra.joining:REPLICATE_RULES",
    ("trainspectralmodel", "METHODS"): "gossan.models.soil_spectra.regressors:METHODS",
    ("trainspectralmodel", "KEEP"): "gossan.models.soil_spectra.training:KEEP",
    ("trainspectralmodel", "VALIDATION"): "gossan.models.soil_spectra.validation:VALIDATIONS",
    ("trainspectralmodel", "BELOW_LIMIT"): "gossan.core.censored:LOWER_RULES",
    ("explainspectralmodel", "METHOD"): "gossan.models.soil_spectra.explanation:EXPLANATIONS",
    ("extractchips", "KIND"): "gossan.models.mines.extraction:KINDS",
    ("collectreviewed", "KIND"): "gossan.models.mines.reviewed_jobs:KINDS",
    ("trainminedetector", "VALIDATION"): "gossan.models.mines.training_splits:VALIDATIONS",
    ("trainminedetector", "BALANCE"): "gossan.models.mines.batches:BALANCES",
    ("trainimpactclassifier", "VALIDATION"): "gossan.models.mines.training_splits:VALIDATIONS",
    ("trainimpactclassifier", "BALANCE"): "gossan.models.mines.batches:BALANCES",
    ("importmodel", "VALUES"): "gossan.models.mines.import_jobs:VALUES",
    ("importmodel", "ANSWER"): "gossan.models.mines.sliding_window:ANSWERS",
    ("importmodel", "LAYOUT"): "gossan.models.mines.sliding_window:LAYOUTS",
}
"""Where the science keeps the list for each choice of the toolbox."""

NOT_OFFERED = {("compareworkflows", "VALIDATION"): {"hold-out", "groups"}}
"""What a job accepts and an algorithm leaves out, for it does not ask for what these need."""

HANDED_ON_IN_LOWER_CASE = {("estimateabundances", "METHOD"), ("resamplelibrary", "METHOD")}


@pytest.fixture(scope="module")
def accepted(in_engine):
    """Return the lists of the science, read where it can be imported: in the engine."""
    program = (
        "import importlib, json, sys\n"
        "places = [place.partition(':') for place in sys.argv[1:]]\n"
        "lists = [list(getattr(importlib.import_module(m), n)) for m, _, n in places]\n"
        "print(json.dumps(lists))\n"
    )
    return dict(zip(ACCEPTED, json.loads(in_engine("-c", program, *ACCEPTED.values()))))


@pytest.fixture(scope="module")
def offered(provider):
    """Return the options of every choice of the toolbox."""
    return {
        (algorithm.name(), definition.name()): definition.options()
        for algorithm in provider.algorithms()
        if not isinstance(algorithm, QgsProcessingModelAlgorithm)
        for definition in algorithm.parameterDefinitions()
        if definition.type() == "enum"
    }


def test_every_choice_of_the_toolbox_is_compared(offered):
    assert set(offered) == set(ACCEPTED)


@pytest.mark.parametrize("place", ACCEPTED, ids="-".join)
def test_a_choice_offers_what_its_job_accepts(place, offered, accepted):
    options = offered[place]
    if place in HANDED_ON_IN_LOWER_CASE:
        options = [option.lower() for option in options]
    left_out = NOT_OFFERED.get(place, set())
    assert left_out < set(accepted[place])
    assert sorted(options) == sorted(set(accepted[place]) - left_out)


def test_the_legend_of_the_applicability_is_that_of_its_raster(in_engine):
    program = (
        "import json\n"
        "from gossan.models.metals.applicability import CLASSES\n"
        "print(json.dumps(list(CLASSES.items())))\n"
    )
    assert dict(json.loads(in_engine("-c", program))) == APPLICABILITY


def test_the_steps_of_the_dialog_are_those_of_the_science(in_engine):
    program = (
        "import json\n"
        "from gossan.models.soil_spectra.names import DEFAULT_PATTERN\n"
        "from gossan.models.soil_spectra.steps import DEFAULT_STEPS, STEPS\n"
        "print(json.dumps([STEPS, ', '.join(DEFAULT_STEPS), DEFAULT_PATTERN]))\n"
    )
    offered = [list(STEP_NAMES), STEPS, PATTERN]
    assert json.loads(in_engine("-c", program)) == offered


def test_the_legend_of_predictions_has_the_words_of_their_applicability(in_engine):
    program = (
        "import json\n"
        "from gossan.models.soil_spectra.model_file import BEYOND_RANGE, INSIDE, UNLIKE\n"
        "print(json.dumps([INSIDE, BEYOND_RANGE, UNLIKE]))\n"
    )
    assert json.loads(in_engine("-c", program)) == list(APPLICABLE)
