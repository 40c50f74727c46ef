"""The jobs that the engine runs, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from gossan.core.errors import InputError

JOBS: dict[str, str] = {
    "metals.assess": "gossan.models.metals.jobs:assess",
    "metals.map": "gossan.models.metals.jobs:map_concentrations",
    "metals.train": "gossan.models.metals.jobs:train",
    "imagery.search": "gossan.models.imagery.search_jobs:search",
    "imagery.calibrate": "gossan.models.imagery.calibration_jobs:calibrate",
    "imagery.orthorectify": "gossan.models.imagery.orthorectification_jobs:orthorectify",
    "imagery.composite": "gossan.models.imagery.composite_jobs:composite",
    "endmembers.extract": "gossan.models.endmembers.jobs:extract",
    "endmembers.count": "gossan.models.endmembers.jobs:count",
    "abundances.estimate": "gossan.models.abundances.jobs:estimate",
    "spectra.map_angles": "gossan.models.spectra.jobs:map_angles",
    "spectra.resample_library": "gossan.models.spectra.jobs:resample_library",
    "spectra.look": "gossan.models.spectra.looking_jobs:look",
    "spectra.rank_library": "gossan.models.spectra.looking_jobs:rank_library",
    "spectra.treat": "gossan.models.spectra.looking_jobs:treat",
    "spectra.write": "gossan.models.spectra.looking_jobs:write_spectra",
    "metals.correlate": "gossan.models.metals.correlation_jobs:correlate",
    "metals.cluster": "gossan.models.metals.zones_jobs:cluster",
    "lithology.clr": "gossan.models.lithology.preparation_jobs:clr",
    "lithology.pole": "gossan.models.lithology.preparation_jobs:pole",
    "lithology.fuse": "gossan.models.lithology.fusion_job:fuse",
    "lithology.train": "gossan.models.lithology.jobs:train",
    "lithology.map": "gossan.models.lithology.jobs:map_lithology",
    "lithology.assess": "gossan.models.lithology.assessment_job:assess",
    "lithology.areas": "gossan.models.lithology.inspection_jobs:measure_areas",
    "lithology.boundaries": "gossan.models.lithology.boundaries_job:find_worst_boundaries",
    "lithology.matrix": "gossan.models.lithology.matrix_job:score_matrix",
    "lithology.point": "gossan.models.lithology.inspection_jobs:look_at_point",
    "metals.compare_workflows": "gossan.models.metals.comparison_job:compare_workflows",
    "metals.describe_model": "gossan.models.metals.model_jobs:describe_model",
    "metals.score_pairs": "gossan.models.metals.model_jobs:score_pairs",
    "metals.histogram": "gossan.models.metals.distribution_jobs:histogram",
    "metals.area_above": "gossan.models.metals.distribution_jobs:area_above",
    "metals.indices": "gossan.models.metals.indices_jobs:indices",
    "soil_spectra.preprocess": "gossan.models.soil_spectra.jobs:preprocess_spectra",
    "soil_spectra.train": "gossan.models.soil_spectra.jobs:train",
    "soil_spectra.predict": "gossan.models.soil_spectra.jobs:predict_elements",
    "soil_spectra.explain": "gossan.models.soil_spectra.jobs:explain_model",
    "deposits.label": "gossan.models.deposits.labelling_jobs:label_scenes",
    "mines.match_register": "gossan.models.mines.register_jobs:match_register",
    "mines.import_model": "gossan.models.mines.import_jobs:import_model",
    "mines.extract_chips": "gossan.models.mines.extraction_jobs:extract_chips",
    "mines.sample_background": "gossan.models.mines.background_jobs:sample_background",
    "mines.train_detector": "gossan.models.mines.training_jobs:train_detector",
    "mines.train_impact": "gossan.models.mines.training_jobs:train_impact",
    "mines.collect_reviewed": "gossan.models.mines.reviewed_jobs:collect_reviewed",
    "deposits.prepare": "gossan.models.deposits.preparation_jobs:prepare_scenes",
    "deposits.train": "gossan.models.deposits.training_jobs:train",
    "deposits.map": "gossan.models.deposits.mapping_jobs:map_richness",
    "mines.detect": "gossan.models.mines.search_jobs:detect",
    "engine.diagnose": "gossan.engine.diagnose:diagnose",
    "selftest.sleep": "gossan.engine.selftest:sleep",
    "selftest.measure": "gossan.engine.selftest:measure",
    "selftest.stubborn": "gossan.engine.selftest:stubborn",
    "selftest.fail": "gossan.engine.selftest:fail",
    "selftest.crash": "gossan.engine.selftest:crash",
    "selftest.memory": "gossan.engine.selftest:memory",
    "selftest.print": "gossan.engine.selftest:print_everywhere",
}
"""Name of each job and where its function is, as ``module:function``."""


def load(name: str) -> Callable[..., Any]:
    """Return the function of a job; imports its module, and nothing else, on first use.

    Raises
    ------
    InputError
        If there is no job of that name.
    """
    if name not in JOBS:
        similar = get_close_matches(name, JOBS, n=1)
        hint = f" Did you mean '{similar[0]}'?" if similar else ""
        raise InputError(f"The engine has no job named '{name}'.{hint}")
    module, _, function = JOBS[name].partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded
