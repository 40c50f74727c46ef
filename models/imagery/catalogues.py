"""Well-known public catalogues of images (STAC APIs), and what to know about each."""

from __future__ import annotations

from dataclasses import dataclass

from gossan.core.errors import InputError

OTHER = "other (address and collection below)"


@dataclass(frozen=True)
class Catalogue:
    """Where scenes are searched: the address of a STAC API, and one of its collections."""

    url: str
    collection: str


_EARTH_SEARCH = "https://earth-search.aws.element84.com/v1"
_PLANETARY_COMPUTER = "https://planetarycomputer.microsoft.com/api/stac/v1"
_COPERNICUS = "https://stac.dataspace.copernicus.eu/v1"
_USGS = "https://landsatlook.usgs.gov/stac-server"

CATALOGUES = {
    "Sentinel-2 L2A, Collection 1 (Earth Search)": Catalogue(_EARTH_SEARCH, "sentinel-2-c1-l2a"),
    "Sentinel-2 L2A (Earth Search)": Catalogue(_EARTH_SEARCH, "sentinel-2-l2a"),
    "Sentinel-2 L1C (Earth Search)": Catalogue(_EARTH_SEARCH, "sentinel-2-l1c"),
    "Sentinel-2 L2A (Planetary Computer)": Catalogue(_PLANETARY_COMPUTER, "sentinel-2-l2a"),
    "Sentinel-2 L2A (Copernicus Data Space)": Catalogue(_COPERNICUS, "sentinel-2-l2a"),
    "Sentinel-2 L1C (Copernicus Data Space)": Catalogue(_COPERNICUS, "sentinel-2-l1c"),
    "Landsat Collection 2 level 2 (Planetary Computer)": Catalogue(
        _PLANETARY_COMPUTER, "landsat-c2-l2"
    ),
    "Landsat Collection 2 level 2 (USGS)": Catalogue(_USGS, "landsat-c2l2-sr"),
    "Landsat Collection 2 level 1 (USGS)": Catalogue(_USGS, "landsat-c2l1"),
}
"""By the name that people choose. All can be searched without a login. So can the files of Earth
Search's L2A and of the Planetary Computer be read; those of the others ask for an account (L1C on
Earth Search lies in a bucket whose reader pays)."""

CHOICES = (*CATALOGUES, OTHER)


def catalogue_of(choice: str, url: str, collection: str) -> Catalogue:
    """Return the catalogue that is meant.

    Parameters
    ----------
    choice : str
        One of `CHOICES`.
    url, collection : str
        For `OTHER`; a collection may also replace that of a well-known catalogue.

    Raises
    ------
    InputError
        When the choice is unknown, or an address is missing or holds a secret.
    """
    if choice not in CHOICES:
        raise InputError(f"There is no catalogue {choice!r}. Use one of {'; '.join(CHOICES)}.")
    if choice != OTHER:
        known = CATALOGUES[choice]
        return Catalogue(known.url, collection.strip() or known.collection)
    address = url.strip().rstrip("/")
    if not address.lower().startswith(("http://", "https://")):
        raise InputError(
            f"The address {url.strip()!r} of the catalogue does not begin with https:// or http://."
        )
    if "@" in address or "?" in address:
        raise InputError(
            "The address of the catalogue holds a name, a key or a question mark. Keep keys in an "
            "authentication configuration of QGIS: addresses are written to logs and results."
        )
    if not collection.strip():
        raise InputError("Name the collection to search, such as sentinel-2-l2a.")
    return Catalogue(address.removesuffix("/search"), collection.strip())
