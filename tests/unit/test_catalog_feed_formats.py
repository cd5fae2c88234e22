"""The other formats of feeds: told by their content, read whole, and each bad row on its own."""

from __future__ import annotations

import csv
import gzip
import io
import json
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import limits
from catalog.errors import FeedError
from catalog.feeds import xml_scanning
from catalog.feeds.detecting import FORMATS, Feed, open_feed
from catalog.feeds.prices import PriceRefused, read_price
from catalog.feeds.rows import FeedBroken, FeedItem, FeedRow, FeedRowError, OffSaleRow
from catalog.feeds.seen import SeenIds
from catalog.feeds.vocabulary import FeedDefaults
from catalog.money import decimals_of
from tests.factories import feed_row, write_feed

EUROS = FeedDefaults(currency="EUR", link_template="https://shop.example/p/{handle}?v={id}")
RSS = (
    '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n<title>Shop</title>\n'
)
RSS_END = "</channel></rss>\n"
SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,"
    "Variant Compare At Price,Image Src,Image Position,Variant Image,Status\n"
)


def opened(tmp_path: Path, content: str | bytes, defaults: FeedDefaults | None = None) -> Feed:
    path = tmp_path / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_feed(path, None, defaults)


def read(tmp_path: Path, content: str | bytes, defaults: FeedDefaults | None = None) -> list[FeedItem]:
    return list(opened(tmp_path, content, defaults).rows())


def good(items: list[FeedItem]) -> list[FeedRow]:
    assert all(isinstance(item, FeedRow) for item in items), items
    return [item for item in items if isinstance(item, FeedRow)]


def ids_and_errors(items: list[FeedItem]) -> list[tuple[int, str]]:
    return [
        (item.line, f"{item.column}: {item.reason}" if isinstance(item, FeedRowError) else item.external_id)
        for item in items
    ]


def item_xml(product_id: str, more: str = "") -> str:
    cells = feed_row(product_id, image_link=f"https://cdn.example/{product_id}.jpg")
    return "<item>\n" + "".join(f"<g:{name}>{text}</g:{name}>\n" for name, text in cells.items()) + more + "</item>\n"


def shopify(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, SHOPIFY.strip().split(","), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def tee(**cells: str) -> dict[str, str]:
    """The first row of a product."""
    names = {"Handle": "tee", "Title": "Tee", "Image Src": "https://cdn.example/1.jpg", "Image Position": "1"}
    return names | {"Variant Price": "19.90"} | {name.replace("_", " "): text for name, text in cells.items()}


# XML


def test_rss_items_are_read_with_their_lines_and_googles_words_come_first(tmp_path: Path) -> None:
    more = (
        "<title>Plain title</title><g:additional_image_link>https://cdn.example/x.jpg</g:additional_image_link>"
        "<g:description><![CDATA[Soft </item> & <b>warm</b>]]></g:description>"
        "<g:shipping><g:country>DE</g:country><g:price>4.90 EUR</g:price></g:shipping>"
    )
    feed = opened(tmp_path, RSS + item_xml("A") + "<!-- <item>not this</item> -->\n" + item_xml("B", more) + RSS_END)
    first, second = good(list(feed.rows()))
    assert (feed.format, first.line, second.line) == ("google_xml", 4, 13)
    assert (second.title, second.description) == ("Linen Shirt", "Soft </item> & <b>warm</b>")
    assert second.image_links == ("https://cdn.example/B.jpg", "https://cdn.example/x.jpg")
    assert second.extra == {"shipping": "country: DE; price: 4.90 EUR"}


def test_atom_entries_are_read(tmp_path: Path) -> None:
    cells = {name: text for name, text in feed_row("A").items() if name not in {"title", "link"}}
    entry = "".join(f"<g:{name}>{text}</g:{name}>" for name, text in cells.items())
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>'
        f'<entry><id>urn:1</id><title>Coat &amp; co</title><link href="https://shop.example/a"/>'
        f"<summary>Warm</summary>{entry}</entry></feed>"
    )
    [row] = good(read(tmp_path, atom))
    assert (row.external_id, row.title, row.link) == ("A", "Coat & co", "https://shop.example/a")
    assert row.description == "Warm"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_xml_is_read_in_the_encoding_it_declares(tmp_path: Path, encoding: str) -> None:
    text = (
        RSS.replace('"1.0"?>', f'"1.0" encoding="{encoding}"?>') + item_xml("A", "<g:color>Crème</g:color>") + RSS_END
    )
    assert good(read(tmp_path, text.encode(encoding)))[0].color == "Crème"


@pytest.mark.parametrize(
    "broken",
    [
        item_xml("B").replace("Linen Shirt", "Shirt & Tie"),
        item_xml("B").replace("</g:title>", "</g:titel>"),
        item_xml("B").replace("</item>", ""),
        item_xml("B").replace("Linen", "Li\x00nen"),
        item_xml("B").replace("<g:title>", "<x:title>"),
        item_xml("B").replace("Linen", "&company;"),
    ],
)
def test_broken_xml_costs_its_own_item_only(tmp_path: Path, broken: str) -> None:
    items = read(tmp_path, RSS + item_xml("A") + broken + item_xml("C") + RSS_END)
    assert [item.external_id for item in items if isinstance(item, FeedRow)] == ["A", "C"]
    assert [item.line for item in items if isinstance(item, FeedRowError)] == [12]


@pytest.mark.parametrize("cut", ["</channel>", "</item>", "<g:price>"])
def test_xml_that_breaks_off_is_told_and_what_came_before_counts(tmp_path: Path, cut: str) -> None:
    whole = RSS + item_xml("A") + item_xml("B") + RSS_END
    items = read(tmp_path, whole[: whole.rindex(cut)])
    assert isinstance(items[0], FeedRow)
    assert [type(item) for item in items].count(FeedBroken) == 1


def test_xml_entities_are_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><rss><channel>'
    with pytest.raises(FeedError, match="entities"):
        read(tmp_path, bomb + item_xml("A") + RSS_END)


@pytest.mark.parametrize(
    "text",
    [
        "<rss><channel>" + "<!--" * 300_000,
        "<?" * 500_000,
        "<rss><channel>" + "<item " * 250_000,
        "<! [ " * 200_000,
        "<!--" + "x" * 900_000 + "-->" + "<item/>" * 10_000,
        "<rss" + "".join(f' xmlns:a{n}="u"' for n in range(50_000)) + ">" + "<item>&</item>" * 3_000,
    ],
    ids=["comments", "instructions", "tags", "declarations", "items without a root", "namespaces"],
)
def test_xml_of_nothing_but_beginnings_is_read_in_seconds_instead_of_hours(tmp_path: Path, text: str) -> None:
    # What is asserted above all is that it ends: each took minutes to hours, some of it with all other threads waiting.
    rows = []
    with suppress(FeedError):
        rows = [item for item in read(tmp_path, text) if isinstance(item, FeedRow)]
    assert rows == []


@pytest.mark.parametrize("encoding", ["punycode", "idna", "undefined", "unicode-escape"])
def test_a_declared_encoding_that_no_text_is_written_in_is_not_believed(tmp_path: Path, encoding: str) -> None:
    text = RSS.replace('"1.0"?>', f'"1.0" encoding="{encoding}"?>') + item_xml("A", "<g:color>Crème</g:color>")
    assert good(read(tmp_path, text + RSS_END))[0].color == "Crème"


def test_xml_without_items_is_no_feed(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="neither items"):
        read(tmp_path, "<html><body>Not found</body></html>")


def test_items_are_found_wherever_chunks_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = RSS + "".join(
        item_xml(str(n), "<!-- a </item> b --><g:color><![CDATA[<item>]]></g:color>") for n in range(5)
    )
    expected = read(tmp_path, text + RSS_END)
    assert len(good(expected)) == 5
    for size in (1, 7, 64, 257):
        monkeypatch.setattr(xml_scanning, "CHUNK_CHARS", size)
        assert read(tmp_path, text + RSS_END) == expected


# Shopify


def test_rows_of_a_handle_become_a_product_for_each_variant(tmp_path: Path) -> None:
    content = shopify(
        tee(
            **{
                "Body (HTML)": "<p>Soft <b>cot</b>ton</p><ul><li>Warm &amp; dry</li></ul>",
                "Vendor": "Alma",
                "Type": "Tops",
            },
            Tags="summer, new",
            Option1_Name="Colour",
            Option1_Value="Red",
            Option2_Name="Size",
            Option2_Value="S",
            Variant_SKU="R-S",
            Variant_Image="https://cdn.example/red.jpg",
        ),
        {
            "Handle": "tee",
            "Option1 Value": "Blue",
            "Option2 Value": "M",
            "Variant SKU": "B-M",
            "Variant Price": "14.90",
            "Variant Compare At Price": "19.90",
            "Variant Image": "https://cdn.example/blue.jpg",
            "Image Src": "https://cdn.example/red.jpg",
            "Image Position": "3",
        },
        {"Handle": "tee", "Image Src": "https://cdn.example/2.jpg", "Image Position": "2"},
    )
    feed = opened(tmp_path, content, EUROS)
    red, blue = good(list(feed.rows()))
    assert feed.format == "shopify_csv"
    assert [(row.external_id, row.item_group_id, row.color, row.size, row.line) for row in (red, blue)] == [
        ("R-S", "tee", "Red", "S", 2),
        ("B-M", "tee", "Blue", "M", 3),
    ]
    assert (blue.title, blue.brand, blue.product_type, blue.description) == (
        "Tee",
        "Alma",
        "Tops",
        "Soft cotton\nWarm & dry",
    )
    assert (red.price, red.sale_price, blue.price, blue.sale_price) == (
        Decimal("19.90"),
        None,
        Decimal("19.90"),
        Decimal("14.90"),
    )
    shared = ("https://cdn.example/1.jpg", "https://cdn.example/2.jpg")
    assert red.image_links == ("https://cdn.example/red.jpg", *shared)
    assert blue.image_links == ("https://cdn.example/blue.jpg", *shared)
    assert blue.link == "https://shop.example/p/tee?v=B-M"
    assert blue.extra == {"tags": "summer, new"}


@pytest.mark.parametrize(
    ("tracker", "quantity", "policy", "availability"),
    [
        ("shopify", "3", "deny", "in_stock"),
        ("shopify", "0", "deny", "out_of_stock"),
        ("shopify", "-2", "deny", "out_of_stock"),
        ("shopify", "0", "continue", "backorder"),
        ("", "0", "deny", "in_stock"),
        ("shopify", "", "deny", "in_stock"),
    ],
)
def test_stock_is_told_by_quantity_policy_and_tracker(
    tmp_path: Path, tracker: str, quantity: str, policy: str, availability: str
) -> None:
    stock = {
        "Variant Inventory Tracker": tracker,
        "Variant Inventory Qty": quantity,
        "Variant Inventory Policy": policy,
    }
    assert good(read(tmp_path, shopify(tee() | stock), EUROS))[0].availability == availability


@pytest.mark.parametrize("cells", [{"Status": "draft"}, {"Status": "Archived"}, {"Published": "FALSE"}])
def test_what_shopify_does_not_show_is_not_sold(tmp_path: Path, cells: dict[str, str]) -> None:
    assert read(tmp_path, shopify(tee() | cells), EUROS) == [OffSaleRow(2, "tee", "Tee")]


def test_variants_without_skus_of_their_own_are_named_by_handle_and_options(tmp_path: Path) -> None:
    rows = [tee(Option1_Name="Size", Option1_Value="S", Variant_SKU="T"), tee(Option1_Value="M", Variant_SKU="T")]
    assert [row.external_id for row in good(read(tmp_path, shopify(*rows), EUROS))] == ["tee/S", "tee/M"]
    only = tee(Option1_Name="Title", Option1_Value="Default Title")
    [row] = good(read(tmp_path, shopify(only), EUROS))
    assert (row.external_id, row.size, row.extra) == ("tee", "", None)


def test_shopifys_newer_column_names_are_understood(tmp_path: Path) -> None:
    content = (
        "Title,URL handle,Description,SKU,Option1 name,Option1 value,Price,Compare-at price,Product image URL,Status\n"
        "Tee,tee,Soft,T-S,Size,S,9.90,,https://cdn.example/1.jpg,Active\n"
    )
    feed = opened(tmp_path, content, EUROS)
    [row] = good(list(feed.rows()))
    assert (feed.format, row.external_id, row.size, row.description) == ("shopify_csv", "T-S", "S", "Soft")


def test_a_description_of_elements_within_elements_is_read_so_far_and_no_farther(tmp_path: Path) -> None:
    [row] = good(read(tmp_path, shopify(tee(**{"Body (HTML)": "<p>Soft</p>" + "<div>" * 25_000 + "far"})), EUROS))
    assert row.description == "Soft"


def test_a_shopify_feed_needs_a_currency(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="names no currency"):
        opened(tmp_path, shopify(tee()))
    with pytest.raises(FeedError, match="XYZ is not a currency"):
        opened(tmp_path, shopify(tee()), FeedDefaults("XYZ"))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"Variant Price": "a lot"}, "Variant Price: "),
        ({"Title": ""}, "Title: is empty"),
        ({"Image Src": ""}, "Image Src: is empty"),
        ({"Status": "asleep"}, "Status: "),
        ({"Variant Inventory Tracker": "shopify", "Variant Inventory Qty": "many"}, "Variant Inventory Qty: "),
        ({"Handle": ""}, "Handle: is empty"),
        ({"Handle": "h" * 256}, "id: has 256 characters"),
    ],
)
def test_a_bad_variant_costs_itself_only(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    items = read(tmp_path, shopify(tee(Handle="a"), tee() | cells, tee(Handle="z")), EUROS)
    first, (line, error), last = sorted(ids_and_errors(items))
    assert (first, last) == ((2, "a"), (4, "z"))
    assert line == 3
    assert error.startswith(said)


# Product Search


def test_product_search_rows_are_joined_wherever_they_stand(tmp_path: Path) -> None:
    content = (
        'gs://b/1.jpg,img1,set1,P1,apparel-v2,Coat,"color=black,color=red,brand=Alma,price=99.90 EUR,style=formal",'
        '"0.1,0.1,0.9,0.9"\n'
        "gs://b/2.jpg,,set1,P2,apparel-v2,,,\n"
        'gs://b/3.jpg,,set2,P1,apparel-v2,Ignored,"color=blue",\n'
    )
    feed = opened(tmp_path, content)
    first, second = good(list(feed.rows()))
    assert feed.format == "product_search_csv"
    assert (first.line, first.external_id, first.title, first.color, first.brand) == (
        1,
        "P1",
        "Coat",
        "black/red",
        "Alma",
    )
    assert (first.price, first.currency, first.availability) == (Decimal("99.90"), "EUR", "in_stock")
    assert first.image_links == ("gs://b/1.jpg", "gs://b/3.jpg")
    assert first.extra == {
        "style": "formal",
        "product-set-id": "set1, set2",
        "product-category": "apparel-v2",
        "image-id": "img1",
        "bounding-poly": "0.1,0.1,0.9,0.9",
    }
    assert (second.title, second.price, second.currency, second.link) == ("P2", None, "", "")
    assert feed.notes == ["1 bounding polygons are kept with their products and not used: garments are found anew"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("gs://b/1.jpg,,s,,apparel,Coat,,", "product-id: is empty"),
        (",,s,P1,apparel,Coat,,", "image-uri: is empty"),
        ("gs://b/1.jpg,,s", ": has 3 cells; 8 are expected"),
        ("gs://b/1.jpg,,s,P1,apparel,Coat,color=red,style=new,x", ": has 9 cells"),
        ("gs://b/1.jpg,,s,P1,apparel,Coat,red,", 'labels: "red" is not like color=black'),
    ],
)
def test_a_bad_product_search_row_costs_its_own_product(tmp_path: Path, row: str, said: str) -> None:
    items = read(tmp_path, f"gs://b/0.jpg,,s,P0,apparel,Coat,,\n{row}\ngs://b/2.jpg,,s,P2,apparel,Coat,,\n")
    assert {item.external_id for item in items if isinstance(item, FeedRow)} == {"P0", "P2"}
    [error] = [item for item in items if isinstance(item, FeedRowError)]
    assert error.line == 2
    assert f"{error.column}: {error.reason}".startswith(said)


def test_labels_that_do_not_fit_their_field_stay_labels(tmp_path: Path) -> None:
    labels = f"price=10-20,link=javascript:x,color={'c' * 101},availability=maybe"
    [row] = good(read(tmp_path, f'gs://b/1.jpg,,s,P1,apparel,Coat,"{labels}",\n'))
    assert row.extra is not None
    assert {"price", "link", "color", "availability"} <= set(row.extra)
    assert (row.price, row.link, row.color) == (None, "", "")


# JSON Lines


def test_json_lines_take_numbers_objects_and_lists(tmp_path: Path) -> None:
    base = feed_row("A") | {"price": {"value": "15.00", "currency": "USD"}, "gtin": 4006381333931}
    listed = base | {"id": "B", "additional_image_link": ["b.jpg", "c.jpg"], "price": 15.5, "currency": "EUR"}
    nested = base | {"id": "C", "price": "1.234,50 €", "colors": {"main": "red"}, "material": None, "is_new": True}
    feed = opened(tmp_path, "\n\n".join(json.dumps(product) for product in (base, listed, nested)))
    first, second, third = good(list(feed.rows()))
    assert (feed.format, first.line, second.line, third.line) == ("json_lines", 1, 3, 5)
    assert (first.price, first.currency, first.extra) == (Decimal("15.00"), "USD", {"gtin": "4006381333931"})
    assert (second.price, second.currency, second.image_links) == (
        Decimal("15.50"),
        "EUR",
        ("images/shirt.jpg", "b.jpg", "c.jpg"),
    )
    assert third.price == Decimal("1234.50")
    assert third.extra == {"gtin": "4006381333931", "colors": '{"main": "red"}', "is_new": "true"}


@pytest.mark.parametrize(
    "line",
    [
        "{broken",
        '{"id": NaN}',
        '{"id": "\\ud800"}',
        '{"id": "a\\u0000"}',
        "5",
        "[" * 100_000,
        '{"a":' * 50_000,
        "null",
        '{"id": ' + "9" * 10_000 + "}",
    ],
)
def test_a_bad_json_line_costs_itself_only(tmp_path: Path, line: str) -> None:
    whole = json.dumps(feed_row("A"))
    items = read(tmp_path, f"{whole}\n{line}\n{json.dumps(feed_row('B'))}\n")
    assert [item.external_id for item in items if isinstance(item, FeedRow)] == ["A", "B"]
    assert [item.line for item in items if isinstance(item, FeedRowError)] == [2]


# All of them


def test_every_format_reads_the_same_when_it_is_packed_and_under_any_name(tmp_path: Path) -> None:
    feeds = {
        "google_csv": write_feed(tmp_path / "feed.csv", [feed_row("A")]).read_text(),
        "google_xml": RSS + item_xml("A") + RSS_END,
        "shopify_csv": shopify(tee()),
        "product_search_csv": "gs://b/0.jpg,,s,P0,apparel,Coat,,\n",
        "json_lines": json.dumps(feed_row("A")),
    }
    assert set(feeds) == set(FORMATS)
    for name, content in feeds.items():
        plain, packed = opened(tmp_path, content, EUROS), tmp_path / "packed.xml"
        packed.write_bytes(gzip.compress(content.encode()))
        unpacked = open_feed(packed, None, EUROS)
        assert (plain.format, unpacked.format) == (name, name)
        assert list(plain.rows()) == list(unpacked.rows())


def test_an_asked_format_is_believed_and_an_unknown_one_refused(tmp_path: Path) -> None:
    path = write_feed(tmp_path / "feed.csv", [feed_row("A")])
    with pytest.raises(FeedError, match="is no XML"):
        open_feed(path, "google_xml")
    with pytest.raises(FeedError, match="known are google_csv"):
        open_feed(path, "excel")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_told_by_their_marks_or_their_zeros(tmp_path: Path, encoding: str) -> None:
    feed = write_feed(tmp_path / "feed.txt", [feed_row("A", color="Grün")], separator="\t", encoding=encoding)
    assert good(list(open_feed(feed).rows()))[0].color == "Grün"


def test_a_feed_in_another_alphabet_is_read_in_its_own(tmp_path: Path) -> None:
    titles = ("Платье летнее из хлопка", "Пальто шерстяное зимнее", "Рубашка мужская классическая")
    rows = [feed_row(str(number), title=title) for number, title in enumerate(titles)]
    feed = write_feed(tmp_path / "feed.csv", rows, encoding="cp1251")
    assert [row.title for row in good(list(open_feed(feed).rows()))] == list(titles)


def test_a_packed_bomb_is_refused_while_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(b"id,title\n" + bytes(40 << 20)))
    with pytest.raises(FeedError, match="unpacks to more than"):
        open_feed(tmp_path / "bomb.gz")
    monkeypatch.setattr(limits, "FEED_BYTES", 1000)
    (tmp_path / "large.gz").write_bytes(gzip.compress(b"id,title\n" * 1000))
    with pytest.raises(FeedError, match="unpacks to more than"):
        open_feed(tmp_path / "large.gz")


def test_a_packed_feed_that_breaks_off_is_told_and_what_came_before_counts(tmp_path: Path) -> None:
    whole = write_feed(tmp_path / "feed.csv", [feed_row(f"{n:05}", title=f"{n * 7919}") for n in range(3000)])
    packed = gzip.compress(whole.read_bytes())
    items = read(tmp_path, packed[: len(packed) // 2])
    assert isinstance(items[0], FeedRow)
    assert 500 < len(items) < 3000
    assert isinstance(items[-1], FeedBroken)
    assert "the packed file breaks off" in items[-1].reason


def test_an_id_is_remembered_with_its_first_line_however_many_there_are() -> None:
    seen = SeenIds()
    seen.mention("id 5")
    assert all(seen.add(f"id {number}", number) is None for number in range(1, 20_001))
    assert len(seen) == 20_000
    assert all(seen.add(f"id {number}", 1) == number for number in range(1, 20_001, 97))
    assert "id 20000" in seen
    assert "id 20001" not in seen


@given(
    amount=st.decimals(min_value=0, max_value=9_999_999, places=2),
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD", "CHF"]),
    style=st.sampled_from(["{:f}", "{:,}", "european", "spaces"]),
)
def test_a_price_is_read_as_it_was_meant_or_refused(amount: Decimal, currency: str, style: str) -> None:
    decimals = decimals_of(currency)
    meant = round(amount, decimals) if decimals != 2 else amount
    if style == "european":
        written = f"{meant:,}".translate(str.maketrans(",.", ".,"))
    elif style == "spaces":
        written = f"{meant:,}".replace(",", "\u00a0")
    else:
        written = style.format(meant)
    try:
        read_amount, code = read_price(f"{written} {currency}")
    except PriceRefused:
        # Only what a thousands separator or three decimals make ambiguous.
        assert style != "{:f}"
        return
    assert (read_amount, code) == (meant, currency)


@pytest.mark.parametrize("feed_format", FORMATS)
@given(content=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_whatever_a_file_holds_is_read_row_by_row_or_refused_in_words(
    tmp_path: Path, feed_format: str, content: bytes
) -> None:
    starts = {
        "google_xml": RSS + item_xml("A"),
        "json_lines": json.dumps(feed_row("A")) + "\n",
        "shopify_csv": shopify(tee()),
        "product_search_csv": "gs://b/0.jpg,,s,P0,apparel,Coat,,\n",
    }
    path = tmp_path / "feed"
    path.write_bytes(starts.get(feed_format, "").encode() + content)
    try:
        items = list(open_feed(path, feed_format, EUROS).rows())
    except FeedError:
        return
    assert all(isinstance(item, FeedRow | OffSaleRow | FeedRowError) for item in items)
