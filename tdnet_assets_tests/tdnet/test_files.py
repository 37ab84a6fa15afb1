import io
import struct
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdnet_assets.tdnet.errors import TdnetError
from tdnet_assets.tdnet.files import (
    MAXIMUM_EXPANDED_BYTES,
    MAXIMUM_MEMBERS,
    PDFIUM_LOCK,
    ArchiveFacts,
    DocumentError,
    PdfFacts,
    check_archive,
    check_pdf,
)

ERROR_PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not Found</body></html>"


def pdf(pages=1):
    """A whole PDF, written by hand: some 500 bytes for one page."""
    kids = " ".join(f"{3 + number} 0 R" for number in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        *["<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>"] * pages,
    ]
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return (
        content
        + (
            f"xref\n0 {size}\n0000000000 65535 f \n{table}"
            f"trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{len(content)}\n%%EOF\n"
        ).encode()
    )


def archive(members, method=zipfile.ZIP_DEFLATED):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return body.getvalue()


XBRL = archive(
    {
        "XBRLData/Summary/tse-acedjpsm-72030-20260610500001-ixbrl.htm": b"<html>" * 4_000,
        "XBRLData/Summary/tse-acedjpsm-72030-20260610500001.xsd": b"<xsd/>",
        "XBRLData/Attachment/index.txt": "一覧".encode("cp932"),
    }
)


def with_name(name):
    """An archive whose member has a name that the standard library would not write."""
    assert len(name) <= 12
    return archive({"x" * len(name): b"content"}).replace(b"x" * len(name), name)


def with_field(content, *, local, central, form, value):
    """The archive with one field of its first member replaced in both of its headers."""
    changed = bytearray(content)
    if local is not None:
        struct.pack_into(form, changed, local, value)
    if central is not None:
        struct.pack_into(form, changed, content.index(b"PK\x01\x02") + central, value)
    return bytes(changed)


def with_size(content, size):
    return with_field(content, local=22, central=24, form="<L", value=size)


def with_crc(content, crc):
    return with_field(content, local=14, central=16, form="<L", value=crc)


# --- PDF ---


def test_a_small_whole_pdf_is_accepted_and_its_pages_counted():
    assert len(pdf()) < 600
    assert check_pdf(pdf()) == PdfFacts(pages=1)
    assert check_pdf(pdf(12)) == PdfFacts(pages=12)


def test_a_pdf_may_start_and_end_with_a_few_other_bytes():
    assert check_pdf(b"\r\n\r\n" + pdf() + b"\r\n" * 40).pages == 1


def test_a_pdf_that_pdfium_cannot_open_is_accepted_without_a_page_count():
    assert check_pdf(b"%PDF-1.7\n" + b"unreadable " * 50 + b"\n%%EOF") == PdfFacts(pages=None)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the body is empty"),
        (ERROR_PAGE, "an error page"),
        (b"\xef\xbb\xbf  \n<HTML>" + pdf(), "an error page"),
        (b"Service Unavailable", "without %PDF-"),
        (b" " * 1_024 + pdf(), "without %PDF-"),
        (pdf()[:-20], "the PDF is cut"),
        (pdf() + b"\0" * 1_024, "the PDF is cut"),
        (XBRL, "without %PDF-"),
    ],
)
def test_what_is_no_whole_pdf_is_refused(content, reason):
    with pytest.raises(DocumentError, match=reason) as refusal:
        check_pdf(content)
    assert "fetch it again" in str(refusal.value)
    assert isinstance(refusal.value, TdnetError)


def test_a_refusal_shows_the_first_bytes_escaped_and_bounded():
    with pytest.raises(DocumentError) as refusal:
        check_pdf(b"\x1b[31m\n" + b"x" * 100_000)
    assert r"\x1b[31m\n" in str(refusal.value)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 300


def test_pages_are_counted_rightly_from_many_threads():
    expected = [1 + number % 9 for number in range(100)]
    with ThreadPoolExecutor(8) as threads:
        facts = list(threads.map(check_pdf, [pdf(pages) for pages in expected]))
    assert [fact.pages for fact in facts] == expected


def test_no_two_threads_are_inside_pdfium_at_once():
    with ThreadPoolExecutor(1) as threads:
        with PDFIUM_LOCK:
            counting = threads.submit(check_pdf, pdf())
            with pytest.raises(TimeoutError):
                counting.result(timeout=0.2)
        assert counting.result(timeout=30) == PdfFacts(pages=1)


@settings(max_examples=2 * settings().max_examples)
@given(st.data())
def test_no_damage_to_a_pdf_raises_anything_but_a_refusal(data):
    content = bytearray(pdf(3))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        facts = check_pdf(bytes(content[: data.draw(st.integers(0, len(content)))]))
    except DocumentError:
        return
    assert facts.pages is None or facts.pages >= 0


# --- archives ---


def test_a_whole_archive_is_accepted_and_measured():
    assert check_archive(XBRL) == ArchiveFacts(members=3, expanded_bytes=24_000 + 6 + 4)


def test_stored_members_folders_and_empty_files_are_accepted():
    content = archive({"a/": b"", "a/b.htm": b"12345", "a/c.htm": b""}, zipfile.ZIP_STORED)
    assert check_archive(content) == ArchiveFacts(members=2, expanded_bytes=5)


def test_an_archive_written_as_a_stream_is_accepted():
    class Stream(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise io.UnsupportedOperation

        def tell(self):
            raise io.UnsupportedOperation

    body = Stream()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.htm", b"a" * 1_000)
        file.writestr("b.htm", b"b" * 1_000)
    assert check_archive(body.getvalue()) == ArchiveFacts(members=2, expanded_bytes=2_000)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the body is empty"),
        (ERROR_PAGE, "an error page"),
        (b"PK\x03\x04 but nothing more", "no whole zip archive"),
        (pdf(), "no whole zip archive"),
        (archive({}), "no file"),
        (archive({"folder/": b""}), "no file"),
    ],
)
def test_what_is_no_archive_with_a_file_is_refused(content, reason):
    with pytest.raises(DocumentError, match=reason):
        check_archive(content)


def test_an_archive_cut_anywhere_is_refused():
    for cut in range(len(XBRL)):
        with pytest.raises(DocumentError):
            check_archive(XBRL[:cut])


@pytest.mark.parametrize(
    "name",
    [
        b"../escape",
        b"a/../../b",
        b"a/..",
        b"/etc/passwd",
        b"//host/share",
        b"C:/windows",
        b"c:file",
        b"..\\escape",
        b"a\\b",
        b"./a",
        b"a//b",
        b"a\0.htm",
        b"a\nb",
        b"..",
        b"/",
    ],
)
def test_a_member_named_outside_its_own_folder_is_refused(name):
    content = with_name(name)
    with pytest.raises(DocumentError, match="not safe") as refusal:
        check_archive(content)
    assert str(refusal.value).isprintable()


def test_a_member_that_is_there_twice_is_refused():
    content = archive({"a/1.htm": b"first", "a/2.htm": b"second"}).replace(b"2.htm", b"1.htm")
    with pytest.raises(DocumentError, match=r"'a/1\.htm' is there twice"):
        check_archive(content)
    with pytest.raises(DocumentError, match="is there twice"):
        check_archive(archive({"a.htm": b"", "A.HTM": b""}))


@pytest.mark.parametrize("kind", [0o120777, 0o010644, 0o020644])
def test_a_link_or_a_device_is_refused(kind):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as file:
        member = zipfile.ZipInfo("link")
        member.external_attr = kind << 16
        file.writestr(member, b"/etc/passwd")
    with pytest.raises(DocumentError, match="is a link or a device"):
        check_archive(body.getvalue())


@pytest.mark.parametrize("flag", [0x1, 0x20, 0x40, 0x2000])
def test_an_encrypted_member_is_refused(flag):
    both = with_field(XBRL, local=6, central=8, form="<H", value=flag)
    with pytest.raises(DocumentError, match="is encrypted"):
        check_archive(both)
    hidden = with_field(XBRL, local=6, central=None, form="<H", value=flag)
    with pytest.raises(DocumentError, match="the directory contradicts"):
        check_archive(hidden)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_unusual_compression_is_refused(method):
    with pytest.raises(DocumentError, match="compression method"):
        check_archive(archive({"a": b"content"}, method))


def test_a_name_that_differs_between_header_and_directory_is_refused():
    content = archive({"a.htm": b"content"}).replace(b"a.htm", b"b.htm", 1)
    with pytest.raises(DocumentError, match="the directory contradicts"):
        check_archive(content)


def test_one_damaged_byte_of_content_is_found_by_its_crc():
    content = archive({"a.htm": b"content"}, zipfile.ZIP_STORED).replace(b"content", b"c0ntent")
    with pytest.raises(DocumentError, match=r"'a\.htm' is damaged: 7 bytes with CRC"):
        check_archive(content)


def test_more_members_than_a_thousand_are_refused_before_they_are_read():
    most = {f"{number}.htm": b"" for number in range(MAXIMUM_MEMBERS)}
    assert check_archive(archive(most)).members == MAXIMUM_MEMBERS
    with pytest.raises(DocumentError, match="more than 1,000 members"):
        check_archive(archive({**most, "one more.htm": b""}))


def test_an_archive_that_says_it_expands_beyond_the_limit_is_refused_unread():
    content = archive({"a.htm": b"a", "b.htm": b"b"})
    with pytest.raises(DocumentError, match="expands to 200,000,001 bytes"):
        check_archive(with_size(content, MAXIMUM_EXPANDED_BYTES))


def test_a_bomb_that_lies_about_its_size_is_stopped_without_being_expanded():
    bomb = with_size(archive({"bomb.htm": bytes(50_000_000)}), 1_000)
    assert len(bomb) < 60_000
    tracemalloc.start()
    with pytest.raises(DocumentError, match="expands to more than the 1,000 bytes declared"):
        check_archive(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_size_that_lies_is_refused_even_with_the_crc_of_what_it_shows():
    content = archive({"a.htm": b"shown" + b"hidden" * 100})
    shorter = with_crc(with_size(content, 5), zlib.crc32(b"shown"))
    with pytest.raises(DocumentError, match="more than the 5 bytes declared"):
        check_archive(shorter)
    with pytest.raises(DocumentError, match=r"605 bytes with CRC .* where 700"):
        check_archive(with_size(content, 700))


def test_bytes_hidden_behind_the_compressed_content_are_refused():
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = compressor.compress(b"a" * 500) + compressor.flush()
    stuffed = io.BytesIO()
    with zipfile.ZipFile(stuffed, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a.htm", data + b"hidden")
    disguised = with_field(stuffed.getvalue(), local=8, central=10, form="<H", value=8)
    disguised = with_crc(with_size(disguised, 500), zlib.crc32(b"a" * 500))
    with pytest.raises(DocumentError, match="hidden behind its content"):
        check_archive(disguised)


def test_overlapping_members_are_refused():
    inner = archive({"b.htm": b"inner"}, zipfile.ZIP_STORED)
    record = inner[: inner.index(b"PK\x01\x02")]
    outer = archive({"a.htm": record, "b.htm": b"inner"}, zipfile.ZIP_STORED)
    directory = outer.index(b"b.htm", outer.rindex(b"PK\x01\x02")) - 46
    changed = bytearray(outer)
    struct.pack_into("<L", changed, directory + 42, 30 + len("a.htm"))
    with pytest.raises(DocumentError, match=r"'b\.htm' overlaps the member before it"):
        check_archive(bytes(changed))


def test_a_member_that_claims_the_directory_as_its_content_is_refused():
    content = archive({"a.htm": b"content"}, zipfile.ZIP_STORED)
    longer = with_field(content, local=18, central=20, form="<L", value=60)
    with pytest.raises(DocumentError, match="runs into the directory"):
        check_archive(longer)


def test_a_member_placed_outside_the_archive_is_refused():
    content = archive({"a.htm": b"content"})
    outside = with_field(content, local=None, central=42, form="<L", value=2**31)
    with pytest.raises(DocumentError, match="outside the archive"):
        check_archive(outside)


def test_the_sizes_of_a_zip64_member_are_read():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as file, file.open("a.htm", "w", force_zip64=True) as member:
        member.write(b"content")
    content = body.getvalue()
    assert check_archive(content) == ArchiveFacts(members=1, expanded_bytes=7)


@settings(max_examples=3 * settings().max_examples)
@given(st.data())
def test_no_damage_to_an_archive_raises_anything_but_a_refusal(data):
    content = bytearray(XBRL)
    # Most of the structure is in the headers and the directory, so that is where to strike.
    directory = XBRL.index(b"PK\x01\x02")
    somewhere = st.one_of(
        st.integers(0, 29), st.integers(directory, len(XBRL) - 1), st.integers(0, len(XBRL) - 1)
    )
    for place in data.draw(st.lists(somewhere, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        facts = check_archive(bytes(content))
    except DocumentError as refusal:
        assert str(refusal).isprintable()  # noqa: PT017 - both ends are right
        return
    assert facts.members <= 3
    assert facts.expanded_bytes <= 24_010


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_no_archive_and_no_pdf(content):
    for check in (check_archive, check_pdf):
        for body in (content, b"PK\x03\x04" + content, content + b"PK\x05\x06" + bytes(18)):
            with pytest.raises(DocumentError):
                check(body)
