"""How to run the algorithms on images."""

from __future__ import annotations

from algorithm_cases.case import Case

DATES = ("20210714", "20211106", "20220510", "20240921")

OTHER = "other (address and collection below)"

CASES = (
    Case(
        "searchimagery",
        {
            "CATALOGUE": OTHER,
            "URL": "server:",
            "COLLECTION": "sentinel-2-l2a",
            "EXTENT": "extent:sentinel2_20210714",
            "CLOUD_LIMIT": 95,
        },
        {"OUTPUT": "scenes.gpkg"},
        ("FOUND", "BEST_COVERAGE", "COVERED"),
        wrong=(
            ({"EXTENT": None}, "either an extent or a layer"),
            ({"AREA": "district:sample_points"}, "either an extent or a layer"),
            ({"URL": None}, "needs its address"),
            ({"URL": "https://me:word@host"}, "authentication configuration"),
            ({"COLLECTION": None}, "Name the collection"),
            ({"URL": "server:/nothing"}, "answered HTTP 404"),
            ({"AUTHENTICATION": "nowhere"}, "no authentication configuration"),
        ),
    ),
    Case(
        "cloudfreecomposite",
        {
            "RASTERS": [f"district:sentinel2_{date}" for date in DATES],
            "MASKS": [f"district:sentinel2_{date}_scl" for date in DATES],
            "CLOUD_LIMIT": 95,
        },
        {"OUTPUT": "composite.tif", "COUNTS": "looks.tif", "REPORT": "composite.html"},
        ("USED_SCENES", "LEFT_OUT_SCENES", "CLEAR_SHARE", "MEAN_LOOKS"),
        wrong=(
            ({"RASTERS": None}, "Scenes are needed"),
            ({"CLOUD_MASK": "QA_PIXEL"}, "no usable cloud mask"),
            ({"BAND_NAMES": "B4, B10"}, "B10"),
            ({"START": "2030-01-01"}, "not within the period"),
            ({"START": "2024-01-01", "END": "2020-01-01"}, "lies after the last"),
            ({"SCENES": "district:samples"}, "no field scene"),
            ({"MASKS": ["district:hyperspectral"]}, "belongs to none of the scenes"),
            ({"EXTENT": "0,10,0,10 [EPSG:32649]"}, "off all scenes"),
        ),
    ),
    Case(
        "calibratereflectance",
        {"RASTERS": ["district:sentinel2_20240921"], "CORRECTION": "dark object"},
        {"OUTPUT": "reflectance.tif", "REPORT": "calibration.html"},
        ("NEGATIVE_SHARE", "BRIGHT_SHARE"),
        wrong=(
            ({"RASTERS": None}, "Rasters are needed"),
            ({"METADATA": "district:samples"}, "has no column band"),
            ({"METADATA": "/nowhere/x_MTL.txt"}, "no file"),
            ({"CORRECTION": "empirical line"}, "needs field spectra"),
            ({"QUANTITY": "radiance"}, "holds no gains of radiance"),
            ({"DARK_SHARE": 0}, "no dark object"),
        ),
    ),
    Case(
        "orthorectify",
        {"INPUT": "camera:sentinel2_20240921", "DEM": "district:dem"},
        {"OUTPUT": "ortho.tif"},
        ("RESULT_PIXEL_SIZE", "VALID_SHARE"),
        wrong=(
            ({"INPUT": "district:sentinel2_20240921"}, "no rational polynomials"),
            ({"DEM": "district:hyperspectral"}, "a DEM has one"),
            ({"PIXEL_SIZE": -5}, "makes no grid"),
            ({"CRS": "EPSG:2180", "PIXEL_SIZE": 1e-4}, "larger pixel size"),
        ),
    ),
)
