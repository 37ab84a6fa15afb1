"""The facts of an XBRL archive as Arelle reads them: the independent reference for our reader.

What belongs here: driving Arelle, offline and from a folder of its own. What does not: comparing
(the tests do) and timing (``xbrl_reader.py`` does). Arelle is a development dependency; the package
never imports it.
"""

import contextlib
import io
import os
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from lxml import etree

from tdnet_assets.tdnet.xbrl.facts import Fact

_FOLDERS = ("XBRLData/Summary", "XBRLData/Attachment", "")


class ReferenceFact(NamedTuple):
    """What both readers must agree on, for each fact."""

    namespace: str
    element: str
    context_id: str
    unit: str | None
    decimals: str | None
    value: Decimal | str | None
    """Number, text without white space and markup, or None where it is nil."""
    is_nil: bool


class Arelle:
    """Arelle without network, taxonomies, output, or settings of the user's."""

    def __init__(self, home: Path) -> None:
        """Start it.

        Args:
            home: an empty folder for its settings and its cache.
        """
        with _environment("XDG_CONFIG_HOME", str(home)):
            # Only here, because its modules read the environment when they are imported.
            from arelle import (  # type: ignore[import-untyped]  # noqa: PLC0415
                Cntlr,
                PluginManager,
            )

            self._controller: Any = Cntlr.Cntlr(
                logFileName="logToBuffer", disable_persistent_config=True
            )
        self._controller.webCache.workOffline = True
        PluginManager.addPluginModule("inlineXbrlDocumentSet")

    def close(self) -> None:
        """Release what it holds."""
        self._controller.close()

    def read(self, folder: Path) -> list[ReferenceFact]:
        """Every fact of an unpacked archive: summary before attachment, as the manifest lists."""
        facts: list[ReferenceFact] = []
        for part in _FOLDERS:
            documents = sorted((folder / part).glob("*-ixbrl.htm"))
            manifest = folder / part / "manifest.xml"
            if manifest.is_file():
                listed = {node.text for node in etree.parse(manifest).iter("{*}ixbrl")}
                documents = [document for document in documents if document.name in listed]
            if documents:
                facts += self.read_set(documents)
        return facts

    def read_set(self, documents: list[Path]) -> list[ReferenceFact]:
        """Every fact of documents that belong together."""
        from arelle import FileSource  # noqa: PLC0415 - not before it was started
        from arelle.plugin.inlineXbrlDocumentSet import (  # type: ignore[import-untyped]  # noqa: PLC0415
            IXDS_DOC_SEPARATOR,
            IXDS_SURROGATE,
        )

        names = [str(document) for document in documents]
        url = str(documents[0].parent / IXDS_SURROGATE) + IXDS_DOC_SEPARATOR.join(names)
        model = self._controller.modelManager.load(
            FileSource.openFileSource(url, self._controller),
            entrypoint={"ixds": [{"file": name} for name in names]},
        )
        try:
            return [_reference(fact) for fact in model.facts]
        finally:
            self._controller.modelManager.close(model)


def _reference(fact: Any) -> ReferenceFact:
    unit = None
    if fact.unit is not None:
        sides = ["*".join(name.localName for name in side) for side in fact.unit.measures]
        unit = "/".join(side for side in sides if side)
    value: Decimal | str | None = None
    if not fact.isNil:
        value = Decimal(fact.value) if unit else plain(fact.value, fact.get("escape") == "true")
    return ReferenceFact(
        namespace=fact.qname.namespaceURI,
        element=fact.qname.localName,
        context_id=fact.contextID,
        unit=unit,
        decimals=fact.decimals,
        value=value,
        is_nil=fact.isNil,
    )


def in_common_form(facts: Iterable[Fact]) -> list[ReferenceFact]:
    """Our facts, as they are compared with Arelle's."""
    return [
        ReferenceFact(
            namespace=fact.namespace,
            element=fact.element,
            context_id=fact.context_id,
            unit=fact.unit,
            decimals=None if fact.decimals is None else str(fact.decimals),
            value=plain(fact.text) if fact.text is not None else fact.value,
            is_nil=fact.is_nil,
        )
        for fact in facts
    ]


def plain(text: str, is_markup: bool = False) -> str:
    """A text without its white space, and without its markup where it has some."""
    if is_markup:
        text = "".join(str(piece) for piece in etree.fromstring(f"<x>{text}</x>").itertext())
    return "".join(text.split())


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def unpack(content: bytes, folder: Path) -> Path:
    """Unpack a trusted archive for Arelle, which reads files only."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder
