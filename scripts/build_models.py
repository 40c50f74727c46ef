"""Build the ready models in ``processing_provider/workflows``; run it with QGIS 3.22's Python.

    QT_HASH_SEED=0 QT_QPA_PLATFORM=offscreen .venv-qgis/bin/python scripts/build_models.py

A model that an older QGIS saves opens in newer ones, not the reverse; without the fixed hash seed
its lines come in another order every time.
"""

from __future__ import annotations

import sys
from typing import Any

from qgis.analysis import QgsNativeAlgorithms
from qgis.core import (
    QgsApplication,
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterBand,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QPointF

from gossan.processing_provider.groups import GROUPS
from gossan.processing_provider.imagery.searchimagery import ADDRESSES
from gossan.processing_provider.provider import GossanProvider
from gossan.processing_provider.workflows.ready_model import FOLDER


class Model:
    """A graphical model under construction: inputs in the first column, then step after step."""

    def __init__(self, name: str, help_texts: dict[str, str]) -> None:
        self.algorithm = QgsProcessingModelAlgorithm(name, GROUPS["workflows"])
        self.help_texts = dict(help_texts)
        self.inputs = 0
        self.steps = 0

    def ask(self, parameter: QgsProcessingParameterDefinition, tip: str) -> None:
        """Add an input and what the help says about it."""
        self.help_texts[parameter.name()] = tip
        component = QgsProcessingModelParameter(parameter.name())
        component.setPosition(QPointF(140, 100 + 150 * self.inputs))
        self.algorithm.addModelParameter(parameter, component)
        self.inputs += 1

    def step(
        self, child: str, algorithm: str, parameters: dict[str, Any], results: dict[str, str]
    ) -> None:
        """Add a step.

        Parameters
        ----------
        child : str
            Its name in the model; results are asked for as ``child:result``.
        algorithm : str
            Id of the algorithm.
        parameters : dict
            By name: `given` (an input of the model), `made` (a result of another step) or a value.
        results : dict
            Outputs that the model gives, by their name there.
        """
        step = QgsProcessingModelChildAlgorithm(algorithm)
        if step.algorithm() is None:
            raise SystemExit(f"There is no algorithm {algorithm}.")
        known = {definition.name() for definition in step.algorithm().parameterDefinitions()}
        unknown = set(parameters) - known
        if unknown:
            raise SystemExit(f"{algorithm} has no parameter {', '.join(sorted(unknown))}.")
        step.setChildId(child)
        step.setDescription(step.algorithm().displayName())
        left, top = 460 + 60 * self.steps, 100 + 190 * self.steps
        step.setPosition(QPointF(left, top))
        # The modeler's own dialog, too, writes every default down.
        for name, value in {**_defaults(step.algorithm()), **parameters}.items():
            sources = value if isinstance(value, list) else [value]
            step.addParameterSources(name, [_source(source) for source in sources])
        outputs = {}
        for row, (title, output) in enumerate(results.items()):
            if step.algorithm().outputDefinition(output) is None:
                raise SystemExit(f"{algorithm} has no output {output}.")
            outputs[title] = QgsProcessingModelOutput(title, title)
            outputs[title].setChildOutputName(output)
            middle = top + 45 * (row - (len(results) - 1) / 2)
            outputs[title].setPosition(QPointF(left + 320, middle))
        step.setModelOutputs(outputs)
        self.algorithm.addChildAlgorithm(step)
        self.steps += 1

    def save(self, stem: str) -> None:
        """Write the model; its stem becomes its id."""
        path = FOLDER / f"{stem}.model3"
        self.algorithm.setHelpContent(self.help_texts)
        valid, problems = self.algorithm.validate()
        if not valid or not self.algorithm.toFile(str(path)):
            raise SystemExit(f"{path} could not be built: {'; '.join(problems)}")
        sys.stderr.write(f"{path}\n")


def given(name: str) -> QgsProcessingModelChildParameterSource:
    """Return an input of the model as the source of a parameter."""
    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def made(child: str, output: str) -> QgsProcessingModelChildParameterSource:
    """Return a result of a step as the source of a parameter."""
    return QgsProcessingModelChildParameterSource.fromChildOutput(child, output)


def _defaults(algorithm: QgsProcessingAlgorithm) -> dict[str, Any]:
    """Return the defaults of all inputs that need a value."""
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional
    return {
        definition.name(): definition.defaultValue()
        for definition in algorithm.parameterDefinitions()
        if not definition.isDestination()
        and not definition.flags() & optional
        and definition.defaultValue() is not None
    }


def _source(value: Any) -> QgsProcessingModelChildParameterSource:
    if isinstance(value, QgsProcessingModelChildParameterSource):
        return value
    return QgsProcessingModelChildParameterSource.fromStaticValue(value)


def heavy_metal_map() -> None:
    """Extract, unmix, train, map, cluster."""
    model = Model(
        "Heavy-metal map from a hyperspectral scene",
        {
            "ALG_DESC": (
                "Finds the endmembers of a hyperspectral scene, maps their abundances, trains the "
                "inversion of metals on soil samples, validated by blocks in space, maps every "
                "metal with its uncertainty, and divides the map into zones from low background "
                "to high risk. Read the report of the inversion before the maps: it says which "
                "metals can be mapped at all."
            ),
            "SHORT_DESCRIPTION": "From a hyperspectral scene and soil samples to maps of metals.",
        },
    )
    integer = QgsProcessingParameterNumber.Type.Integer
    model.ask(
        QgsProcessingParameterRasterLayer("SCENE", "Hyperspectral scene"),
        "Reflectance with wavelengths in its metadata.",
    )
    model.ask(
        QgsProcessingParameterFeatureSource(
            "SAMPLES", "Soil samples", [QgsProcessing.SourceType.TypeVector]
        ),
        "Points, or a table with coordinates, with one field per metal.",
    )
    model.ask(
        QgsProcessingParameterField(
            "ELEMENTS",
            "Metals",
            None,
            "SAMPLES",
            QgsProcessingParameterField.DataType.Any,
            allowMultiple=True,
        ),
        "Fields with concentrations; values such as &lt;0.02 and &gt;4000 are understood.",
    )
    model.ask(
        QgsProcessingParameterFile(
            "PRIORS",
            "Prior spectral library",
            fileFilter="Spectral libraries (*.sli *.csv *.txt);;All files (*)",
            optional=True,
        ),
        "Spectra of what is expected in the scene; empty takes the library that ships.",
    )
    model.ask(
        QgsProcessingParameterNumber(
            "ZONES", "Number of zones (0: automatic)", integer, 0, False, 0, 20
        ),
        "0 chooses the number with the greatest silhouette.",
    )
    model.ask(
        QgsProcessingParameterNumber("SEED", "Seed", integer, 0, False, 0),
        "Start of the random numbers; the same seed gives the same maps.",
    )
    seed = given("SEED")
    model.step(
        "extract",
        "gossan:extractendmembers",
        {"INPUT": given("SCENE"), "PRIORS": given("PRIORS"), "SEED": seed},
        {"Endmembers": "LIBRARY", "Endmember points": "POINTS", "Endmember report": "REPORT"},
    )
    model.step(
        "unmix",
        "gossan:estimateabundances",
        {"INPUT": given("SCENE"), "LIBRARY": made("extract", "LIBRARY"), "SEED": seed},
        {"Abundances": "OUTPUT"},
    )
    model.step(
        "train",
        "gossan:trainmetalinversion",
        {
            "FEATURES": [made("unmix", "OUTPUT")],
            "SAMPLES": given("SAMPLES"),
            "ELEMENTS": given("ELEMENTS"),
            "SEED": seed,
        },
        {
            "Model": "MODEL",
            "Scores": "TABLE",
            "Predictions at the samples": "PREDICTIONS",
            "Inversion report": "REPORT",
        },
    )
    model.step(
        "map",
        "gossan:mapmetals",
        {"FEATURES": [made("unmix", "OUTPUT")], "MODEL": made("train", "MODEL")},
        {"Metals": "OUTPUT", "Uncertainty": "UNCERTAINTY"},
    )
    model.step(
        "cluster",
        "gossan:clusterpollution",
        {"INPUT": made("map", "OUTPUT"), "ZONES": given("ZONES"), "SEED": seed},
        {"Zones": "OUTPUT", "Zone polygons": "POLYGONS", "Zone report": "REPORT"},
    )
    model.save("heavymetalmap")


def lithological_map() -> None:
    """Reduce to the pole, fuse (with centred log-ratios), train, map, assess."""
    model = Model(
        "Lithological map from many sources",
        {
            "ALG_DESC": (
                "Reduces a magnetic grid to the pole, takes a geochemical grid as centred "
                "log-ratios, fuses both and a terrain model with the detail of a fine image, "
                "learns the units of a geological map, maps them over the whole image and holds "
                "the map against the geological map. Read the report of the training: its scores "
                "on unseen blocks say how far the map can be trusted; the assessment is against "
                "the labels that the model has learned."
            ),
            "SHORT_DESCRIPTION": "From an image, coarse grids and a geological map to a new map.",
        },
    )
    real = QgsProcessingParameterNumber.Type.Double
    integer = QgsProcessingParameterNumber.Type.Integer
    model.ask(
        QgsProcessingParameterRasterLayer("IMAGE", "Multispectral image"),
        "Its grid is that of the map, and its bands give the detail.",
    )
    model.ask(
        QgsProcessingParameterBand(
            "BANDS", "Bands", None, "IMAGE", optional=True, allowMultiple=True
        ),
        "Bands that give the detail; all when none is chosen.",
    )
    model.ask(
        QgsProcessingParameterRasterLayer("GEOCHEMISTRY", "Geochemical raster"),
        "One band per oxide or element.",
    )
    model.ask(
        QgsProcessingParameterRasterLayer("MAGNETICS", "Magnetic grid"),
        "Total magnetic intensity or its anomaly, nT, in a projected CRS.",
    )
    model.ask(
        QgsProcessingParameterNumber(
            "INCLINATION", "Inclination (degrees)", real, 60.0, False, -90.0, 90.0
        ),
        "Of the Earth's field at the survey, positive downwards.",
    )
    model.ask(
        QgsProcessingParameterNumber(
            "DECLINATION", "Declination (degrees)", real, 0.0, False, -360.0, 360.0
        ),
        "Of the Earth's field at the survey, positive to the east.",
    )
    model.ask(QgsProcessingParameterRasterLayer("TERRAIN", "Terrain model"), "Elevation, metres.")
    model.ask(
        QgsProcessingParameterFeatureSource(
            "MAP", "Geological map", [QgsProcessing.SourceType.TypeVectorPolygon]
        ),
        "Polygons of part or all of the ground; their colours carry over.",
    )
    model.ask(
        QgsProcessingParameterField("CLASS_FIELD", "Class field", None, "MAP"),
        "The field with the unit or rock type.",
    )
    methods = ["FCN-8s", "FCN-16s", "FCN-32s", "random forest"]
    model.ask(
        QgsProcessingParameterEnum(
            "METHOD", "Method", methods, False, "random forest", False, True
        ),
        "The forest is quick; networks need TensorFlow and patience.",
    )
    model.ask(
        QgsProcessingParameterNumber(
            "WIDTH", "Width of the network", real, 0.125, False, 0.01, 1.0
        ),
        "1 is the source's network, 0.125 one for small machines.",
    )
    model.ask(
        QgsProcessingParameterNumber(
            "BLOCK_SIZE", "Block size (map units, 0: automatic)", real, 0.0, False, 0.0
        ),
        "Side of the blocks that are kept back from the training.",
    )
    model.ask(
        QgsProcessingParameterNumber("SEED", "Seed", integer, 0, False, 0),
        "Start of the random numbers; the same seed gives the same map.",
    )
    model.step(
        "pole",
        "gossan:reducetopole",
        {
            "INPUT": given("MAGNETICS"),
            "INCLINATION": given("INCLINATION"),
            "DECLINATION": given("DECLINATION"),
        },
        {"Magnetics at the pole": "OUTPUT"},
    )
    model.step(
        "fuse",
        "gossan:fusesources",
        {
            "INPUT": given("IMAGE"),
            "BANDS": given("BANDS"),
            "COMPOSITION": [given("GEOCHEMISTRY")],
            "OTHERS": [made("pole", "OUTPUT")],
            "TERRAIN": [given("TERRAIN")],
        },
        {"Stack": "OUTPUT", "Fusion report": "REPORT"},
    )
    model.step(
        "train",
        "gossan:trainlithology",
        {
            "FEATURES": [made("fuse", "OUTPUT")],
            "MAP": given("MAP"),
            "CLASS_FIELD": given("CLASS_FIELD"),
            "METHOD": given("METHOD"),
            "RECIPE": "small machine",
            "WIDTH": given("WIDTH"),
            "BLOCK_SIZE": given("BLOCK_SIZE"),
            "SEED": given("SEED"),
        },
        {"Model": "MODEL", "Scores": "TABLE", "Training report": "REPORT"},
    )
    model.step(
        "map",
        "gossan:maplithology",
        {"FEATURES": [made("fuse", "OUTPUT")], "MODEL": made("train", "MODEL")},
        {"Lithological map": "OUTPUT", "Entropy": "ENTROPY"},
    )
    model.step(
        "assess",
        "gossan:assessmap",
        {
            "INPUT": made("map", "OUTPUT"),
            "MAP": given("MAP"),
            "CLASS_FIELD": given("CLASS_FIELD"),
            "SEED": given("SEED"),
        },
        {"Assessment": "REPORT"},
    )
    model.save("lithologicalmap")


def mine_search() -> None:
    """Search images, composite, detect, match, export."""
    model = Model(
        "Mine search and export",
        {
            "ALG_DESC": (
                "Finds Sentinel-2 scenes of an area in a public catalogue, makes one cloud-free "
                "image of them, searches it for mines and tailings dams, tells which of them "
                "registers and granted concessions know, and writes them for Google Earth and as "
                "a table. Bands are read from their servers by window; for areas of more than some "
                "thousand square kilometres run the steps one by one, for each can go on where it "
                "was. The bands that the detector was trained on decide which catalogue suits it. "
                "Findings are what a network takes for mines: review them."
            ),
            "SHORT_DESCRIPTION": "From an area to unregistered mines in Google Earth.",
        },
    )
    _ask_for_scenes(model)
    _ask_for_search(model)
    _ask_for_registers(model)
    model.step(
        "search",
        "gossan:searchimagery",
        {
            name: given(name)
            for name in ("CATALOGUE", "URL", "COLLECTION", "EXTENT", "START", "END", "CLOUD_LIMIT")
        },
        {"Found scenes": "OUTPUT"},
    )
    model.step(
        "composite",
        "gossan:cloudfreecomposite",
        {
            "SCENES": made("search", "OUTPUT"),
            "EXTENT": given("EXTENT"),
            "CLOUD_LIMIT": given("CLOUD_LIMIT"),
        },
        {"Composite": "OUTPUT", "Composite report": "REPORT"},
    )
    model.step(
        "detect",
        "gossan:detectmines",
        {
            "INPUT": [made("composite", "OUTPUT")],
            "DETECTOR": given("DETECTOR"),
            "IMPACT_MODEL": given("IMPACT_MODEL"),
            "THRESHOLD": given("THRESHOLD"),
        },
        {"Probability": "PROBABILITY", "Findings": "POLYGONS", "Search report": "REPORT"},
    )
    model.step(
        "match",
        "gossan:matchregister",
        {
            "INPUT": made("detect", "POLYGONS"),
            "AREA": given("EXTENT"),
            **{
                name: given(name)
                for name in ("REGISTERS", "CONCESSIONS", "GRANTED", "PROTECTED", "DISTANCE")
            },
        },
        {
            "Findings and registers": "OUTPUT",
            "Entries without a finding": "GHOSTS",
            "Register report": "REPORT",
        },
    )
    model.step(
        "export",
        "gossan:exportfindings",
        {"INPUT": made("match", "OUTPUT")},
        {"Google Earth": "KML", "Table": "CSV"},
    )
    model.save("minesearch")


def _ask_for_scenes(model: Model) -> None:
    model.ask(QgsProcessingParameterExtent("EXTENT", "Area"), "What is searched.")
    catalogues = list(ADDRESSES)
    model.ask(
        QgsProcessingParameterEnum(
            "CATALOGUE", "Catalogue", catalogues, False, catalogues[0], False, True
        ),
        "Where scenes are looked for; it has to have the bands that the detector was trained on.",
    )
    for name, title, tip in (
        ("URL", "Address of another catalogue", "Landing page of a STAC API, for another one."),
        ("COLLECTION", "Collection of another catalogue", "Such as sentinel-2-l2a."),
    ):
        model.ask(QgsProcessingParameterString(name, title, None, False, True), tip)
    day = QgsProcessingParameterDateTime.Type.Date
    for name, title in (("START", "First day"), ("END", "Last day")):
        model.ask(QgsProcessingParameterDateTime(name, title, day, None, True), "Empty: no limit.")
    decimal = QgsProcessingParameterNumber.Type.Double
    model.ask(
        QgsProcessingParameterNumber("CLOUD_LIMIT", "Cloud limit (%)", decimal, 20, False, 0, 100),
        "Scenes with more cloud are left out.",
    )


def _ask_for_search(model: Model) -> None:
    models = "Gossan model (*.gossan);;All files (*)"
    for name, title, optional, tip in (
        ("DETECTOR", "Detector", False, "Ready ones lie in the plugin's folder models/pretrained."),
        ("IMPACT_MODEL", "Impact model", True, "Empty: the impact is not judged."),
    ):
        model.ask(
            QgsProcessingParameterFile(name, title, fileFilter=models, optional=optional), tip
        )
    decimal = QgsProcessingParameterNumber.Type.Double
    model.ask(
        QgsProcessingParameterNumber("THRESHOLD", "Threshold", decimal, 0.6, False, 0, 1),
        "Least probability of a cell.",
    )


def _ask_for_registers(model: Model) -> None:
    kinds = QgsProcessing.SourceType
    for name, title, kind, optional, tip in (
        (
            "REGISTERS",
            "Registers",
            kinds.TypeVector,
            False,
            "Tables with coordinates in any notation, or layers of known mines.",
        ),
        ("CONCESSIONS", "Concessions", kinds.TypeVectorPolygon, True, "With their phase."),
        (
            "PROTECTED",
            "Protected areas and indigenous lands",
            kinds.TypeVectorPolygon,
            True,
            "Findings get those that they lie in.",
        ),
    ):
        model.ask(QgsProcessingParameterMultipleLayers(name, title, kind, optional=optional), tip)
    model.ask(
        QgsProcessingParameterString("GRANTED", "Phases that count as granted", None, False, True),
        "Parted by semicolons; empty: every concession counts.",
    )
    decimal = QgsProcessingParameterNumber.Type.Double
    model.ask(
        QgsProcessingParameterNumber(
            "DISTANCE", "Distance of a match (m)", decimal, 1000, False, 0, 100_000
        ),
        "An entry up to this far from a finding is taken for its own.",
    )


MODELS = (heavy_metal_map, lithological_map, mine_search)


def main() -> None:
    """Build all models in a QGIS with the toolbox."""
    application = QgsApplication([], False)
    application.initQgis()
    registry = QgsApplication.processingRegistry()
    registry.addProvider(QgsNativeAlgorithms(registry))
    registry.addProvider(GossanProvider())
    FOLDER.mkdir(parents=True, exist_ok=True)
    for build in MODELS:
        build()
    application.exitQgis()


if __name__ == "__main__":
    sys.exit(main())
