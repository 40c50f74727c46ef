"""The toolbox *Gossan* as QGIS sees it: its algorithms and its ready models."""

from __future__ import annotations

from importlib import import_module

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from gossan.processing_provider.groups import icon
from gossan.processing_provider.workflows.ready_model import ready_models

ALGORITHMS: tuple[tuple[str, str], ...] = (
    ("imagery.searchimagery", "SearchImagery"),
    ("imagery.cloudfreecomposite", "CloudFreeComposite"),
    ("imagery.calibratereflectance", "CalibrateReflectance"),
    ("imagery.orthorectify", "Orthorectify"),
    ("endmembers.extractendmembers", "ExtractEndmembers"),
    ("endmembers.estimateendmembercount", "EstimateEndmemberCount"),
    ("endmembers.estimateabundances", "EstimateAbundances"),
    ("endmembers.mapspectralangles", "MapSpectralAngles"),
    ("endmembers.resamplelibrary", "ResampleLibrary"),
    ("metals.trainmetalinversion", "TrainMetalInversion"),
    ("metals.mapmetals", "MapMetals"),
    ("metals.assessmetals", "AssessMetals"),
    ("metals.correlatemetals", "CorrelateMetals"),
    ("metals.clusterpollution", "ClusterPollution"),
    ("metals.pollutionindices", "PollutionIndices"),
    ("metals.compareworkflows", "CompareWorkflows"),
    ("soilspectra.preprocessspectra", "PreprocessSpectra"),
    ("soilspectra.trainspectralmodel", "TrainSpectralModel"),
    ("soilspectra.predictelements", "PredictElements"),
    ("soilspectra.explainspectralmodel", "ExplainSpectralModel"),
    ("lithology.clrtransform", "ClrTransform"),
    ("lithology.reducetopole", "ReduceToPole"),
    ("lithology.fusesources", "FuseSources"),
    ("lithology.trainlithology", "TrainLithology"),
    ("lithology.maplithology", "MapLithology"),
    ("lithology.assessmap", "AssessMap"),
    ("deposits.labelscenes", "LabelScenes"),
    ("deposits.preparescenes", "PrepareScenes"),
    ("deposits.traindepositmodel", "TrainDepositModel"),
    ("deposits.mapdepositrichness", "MapDepositRichness"),
    ("mines.samplebackground", "SampleBackground"),
    ("mines.extractchips", "ExtractChips"),
    ("mines.trainminedetector", "TrainMineDetector"),
    ("mines.trainimpactclassifier", "TrainImpactClassifier"),
    ("mines.detectmines", "DetectMines"),
    ("mines.matchregister", "MatchRegister"),
    ("mines.exportfindings", "ExportFindings"),
    ("mines.collectreviewed", "CollectReviewed"),
    ("mines.importmodel", "ImportModel"),
)
"""Module (below this package) and class of every algorithm, in the order of the work."""


class GossanProvider(QgsProcessingProvider):
    """The algorithms of Gossan; loading it needs neither the engine nor any package.

    Models find their steps only among registered providers: whoever registers this one calls
    ``refreshAlgorithms`` once afterwards, which brings its ready models.
    """

    def id(self) -> str:
        return "gossan"

    def name(self) -> str:
        return "Gossan"

    def longName(self) -> str:
        return "Gossan: find, map and check mineralisation and mining from images"

    def icon(self) -> QIcon:
        return icon("gossan")

    def loadAlgorithms(self) -> None:
        for module, class_name in ALGORITHMS:
            found = import_module(f"gossan.processing_provider.{module}")
            self.addAlgorithm(getattr(found, class_name)())
        if QgsApplication.processingRegistry().providerById(self.id()) is not None:
            for model in ready_models():
                self.addAlgorithm(model)

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        return ["tif", "tiff"]

    def defaultRasterFileExtension(self) -> str:
        return "tif"
