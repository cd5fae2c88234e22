"""Google Merchant feeds: any encoding and separator they come in, and each bad row on its own."""

from __future__ import annotations

import doctest
import io
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import money
from catalog.errors import FeedError
from catalog.feeds import cells, html_text, prices, product_search_products, text, vocabulary, xml_items
from catalog.feeds.detecting import open_feed, read_feed
from catalog.feeds.rows import FeedRow, FeedRowError
from tests.factories import feed_row, write_feed

HEADER = "id,title,link,image_link,availability,price,description\n"


def good(product_id: str, title: str = "Shirt", description: str = "") -> str:
    return f"{product_id},{title},https://shop.example/{product_id},a.jpg,in stock,15.00 USD,{description}\n"


def read_text(tmp_path: Path, content: str | bytes) -> list[FeedRow | FeedRowError]:
    feed = tmp_path / "feed.csv"
    feed.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_feed(feed))


def read_one(tmp_path: Path, **changed: str) -> FeedRow | FeedRowError:
    [row] = read_feed(write_feed(tmp_path / "feed.csv", [feed_row(**changed)]))
    return row


def rows_of(items: list[FeedRow | FeedRowError]) -> list[FeedRow]:
    return [item for item in items if isinstance(item, FeedRow)]


def errors_of(items: list[FeedRow | FeedRowError]) -> list[FeedRowError]:
    return [item for item in items if isinstance(item, FeedRowError)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_a_feed_reads_the_same_in_every_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    rows = [feed_row("1", title="Größe, été; 5 € | neu", brand='The "Q"'), feed_row("2", title="Plain")]
    feed = write_feed(tmp_path / "feed.txt", rows, separator=separator, encoding=encoding)
    first, second = rows_of(list(read_feed(feed)))
    assert (first.title, first.brand, second.title) == ("Größe, été; 5 € | neu", 'The "Q"', "Plain")


def test_one_broken_byte_in_a_utf8_feed_costs_its_own_row_only(tmp_path: Path) -> None:
    content = HEADER.encode() + good("1", "Été").encode() + good("2", "Br@ken").encode().replace(b"@", b"\xe9")
    items = read_text(tmp_path, content + good("3", "Größe").encode())
    assert [row.title for row in rows_of(items)] == ["Été", "Größe"]
    assert errors_of(items) == [FeedRowError(3, "title", "holds bytes that are not utf-8 text", "2")]


def test_lines_are_counted_through_quoted_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    content = HEADER + good("1", description='"one\r\ntwo\nthree"') + "\n" + good("2", title="") + good("3")
    items = read_text(tmp_path, content)
    assert [item.line for item in items] == [2, 6, 7]
    assert errors_of(items) == [FeedRowError(6, "title", "is empty", "2")]
    assert rows_of(items)[0].description == "one\r\ntwo\nthree"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_understood(tmp_path: Path, line_end: str) -> None:
    items = read_text(tmp_path, (HEADER + good("1") + good("2")).replace("\n", line_end))
    assert [(item.line, type(item)) for item in items] == [(2, FeedRow), (3, FeedRow)]


@pytest.mark.parametrize("broken", ['2,"never closed,https://x.example,a.jpg,in stock,1 USD,\n', '2,"a"b,c,d,e,f,g\n'])
def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path, broken: str) -> None:
    later = "".join(good(str(number)) for number in range(4, 400))
    items = read_text(tmp_path, HEADER + good("1") + broken + good("3", description='"quoted, well"') + later)
    assert [error.line for error in errors_of(items)] == [3]
    assert [row.external_id for row in rows_of(items)] == ["1", *(str(number) for number in range(3, 400))]
    assert rows_of(items)[1].line == 4


def test_between_tabs_quotes_are_taken_as_they_stand(tmp_path: Path) -> None:
    header = HEADER.replace(",", "\t")
    wide = ['27" screen', '"Quoted" tee', '"whole\ttitle"', '"never closed']
    lines = [good(str(number), "TITLE").replace(",", "\t").replace("TITLE", title) for number, title in enumerate(wide)]
    rows = rows_of(read_text(tmp_path, header + "".join(lines) + good("9").replace(",", "\t")))
    assert [row.title for row in rows] == ['27" screen', '"Quoted" tee', "whole\ttitle", '"never closed', "Shirt"]


def test_rows_with_too_few_or_too_many_cells_are_refused_but_trailing_blanks_are_not(tmp_path: Path) -> None:
    items = read_text(tmp_path, HEADER + "1,short\n" + good("2").replace("\n", ",,\n") + good("3", description="a,b"))
    assert [(error.line, error.column) for error in errors_of(items)] == [(2, ""), (4, "")]
    assert errors_of(items)[0].reason == "has 2 cells where the header has 7 columns"
    assert [row.external_id for row in rows_of(items)] == ["2"]


def test_the_second_row_of_an_id_is_refused_and_names_the_first(tmp_path: Path) -> None:
    items = read_text(tmp_path, HEADER + good("A", "first") + good("a") + good("A", "second"))
    assert [row.title for row in rows_of(items)] == ["first", "Shirt"]
    assert errors_of(items) == [FeedRowError(4, "id", '"A" was already given in line 2; that row counts', "A")]


def test_a_bad_row_does_not_take_its_id_from_a_good_one(tmp_path: Path) -> None:
    items = read_text(tmp_path, HEADER + good("A", title="") + good("A", "good"))
    assert [row.title for row in rows_of(items)] == ["good"]


@pytest.mark.parametrize(
    ("written", "amount", "currency"),
    [
        ("15.00 USD", "15.00", "USD"),
        ("15 usd", "15.00", "USD"),
        ("EUR 0.99", "0.99", "EUR"),
        ("1200JPY", "1200", "JPY"),
        ("1200.00 JPY", "1200", "JPY"),
        ("1.255 KWD", "1.255", "KWD"),
        ("0 EUR", "0.00", "EUR"),
        ("15,00 EUR", "15.00", "EUR"),
        ("1.234,56 €", "1234.56", "EUR"),
        ("1,234.00 USD", "1234.00", "USD"),
        ("$15.00", "15.00", "USD"),
        ("JPY 5200", "5200", "JPY"),
        ("5,200 JPY", "5200", "JPY"),
        ("1 234,50 EUR", "1234.50", "EUR"),
        ("1'234'567.50 CHF", "1234567.50", "CHF"),
        ("1,23,456.00 INR", "123456.00", "INR"),
        ("15,- kr.", "15.00", "DKK"),
    ],
)
def test_prices_are_read_exactly(tmp_path: Path, written: str, amount: str, currency: str) -> None:
    row = read_one(tmp_path, price=written)
    assert isinstance(row, FeedRow)
    assert (str(row.price), row.currency) == (amount, currency)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("-5.00 USD", "negative"),
        ("NaN USD", "not a price"),
        ("Infinity USD", "not a price"),
        ("1e3 USD", "not a price"),
        ("free", "not a price"),
        ("1.234 EUR", "in two ways"),
        ("1,234 USD", "in two ways"),
        ("1.000 JPY", "in two ways"),
        ("15.005 USD", "in two ways"),
        ("1.2.3 EUR", "not a price"),
        ("10-20 USD", "not a price"),
        ("kr 200", "may be SEK, NOK, DKK"),
        ("¥5200", "may be JPY, CNY"),
        ("15.00", "needs a currency"),
        ("USD 15 EUR", "needs one currency"),
        ("15.00 QQQ", "not a currency"),
        ("1234.567 USD", "has 2 decimals"),
        ("99999999999.00 USD", "too large"),
        ("٣.00 USD", "not a price"),
        ("", "is empty"),
    ],
)
def test_improper_prices_are_refused_with_their_reason(tmp_path: Path, written: str, reason: str) -> None:
    error = read_one(tmp_path, price=written)
    assert isinstance(error, FeedRowError)
    assert (error.line, error.column) == (2, "price")
    assert reason in error.reason


def test_a_sale_price_must_be_in_the_currency_of_the_price(tmp_path: Path) -> None:
    row = read_one(tmp_path, sale_price="12.50 USD")
    assert isinstance(row, FeedRow)
    assert row.sale_price == Decimal("12.50")
    assert read_one(tmp_path, sale_price="12.50 EUR") == FeedRowError(
        2, "sale_price", "is in EUR while the price is in USD", "A1"
    )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("in stock", "in_stock"),
        ("InStock", "in_stock"),
        ("https://schema.org/InStock", "in_stock"),
        ("Out_Of_Stock", "out_of_stock"),
        ("sold out", "out_of_stock"),
        ("pre-order", "preorder"),
        ("backorder", "backorder"),
    ],
)
def test_availability_is_understood_however_it_is_spelled(tmp_path: Path, written: str, meant: str) -> None:
    row = read_one(tmp_path, availability=written)
    assert isinstance(row, FeedRow)
    assert row.availability == meant


def test_an_unknown_availability_is_refused_and_the_known_ones_named(tmp_path: Path) -> None:
    assert str(read_one(tmp_path, availability="maybe")) == (
        'line 2, availability: "maybe" is none of in_stock, out_of_stock, preorder, backorder'
    )


@pytest.mark.parametrize(("column", "limit"), [("id", 50), ("title", 150), ("description", 5000), ("color", 100)])
def test_texts_may_be_as_long_as_google_allows_and_no_longer(tmp_path: Path, column: str, limit: int) -> None:
    [row] = read_feed(write_feed(tmp_path / "feed.csv", [feed_row() | {column: "é" * limit}]))
    assert isinstance(row, FeedRow)
    [error] = read_feed(write_feed(tmp_path / "feed.csv", [feed_row() | {column: "é" * (limit + 1)}]))
    product_id = "é" * (limit + 1) if column == "id" else "A1"
    assert error == FeedRowError(2, column, f"has {limit + 1} characters; at most {limit} are allowed", product_id)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "/relative", "https://", "http://[broken", "data:text/html,x"])
def test_a_link_a_page_could_not_safely_point_to_is_refused(tmp_path: Path, link: str) -> None:
    error = read_one(tmp_path, link=link)
    assert isinstance(error, FeedRowError)
    assert error.column == "link"


def test_a_nul_character_is_refused_before_a_database_does(tmp_path: Path) -> None:
    assert read_one(tmp_path, gtin="12\0") == FeedRowError(2, "gtin", "holds a NUL character", "A1")


def test_unknown_columns_are_kept_as_written(tmp_path: Path) -> None:
    row = read_one(tmp_path, gtin="0123", Custom_Label_0="Summer", mpn="")
    assert isinstance(row, FeedRow)
    assert row.extra == {"gtin": "0123", "custom_label_0": "Summer"}


def test_header_names_are_understood_as_google_does(tmp_path: Path) -> None:
    items = read_text(tmp_path, "g:ID,Title,LINK,image link,Availability,Price,\n" + good("1"))
    assert [row.external_id for row in rows_of(items)] == ["1"]


def test_additional_images_come_from_commas_and_from_repeated_columns_and_none_comes_twice(tmp_path: Path) -> None:
    header = "id,title,link,image_link,availability,price,additional_image_link,additional_image_link\n"
    row = '1,Shirt,https://x.example,a.jpg,in_stock,1 USD,"b.jpg, a.jpg,",c.jpg\n'
    assert rows_of(read_text(tmp_path, header + row))[0].image_links == ("a.jpg", "b.jpg", "c.jpg")
    many = ",".join(f"{number}.jpg" for number in range(11))
    error = read_one(tmp_path, additional_image_link=many)
    assert error == FeedRowError(2, "additional_image_link", "names 11 images; at most 10 are allowed", "A1")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"PK\x03\x04....", "Excel"),
        (b"\x1f\x8b....", "breaks off after 0 unpacked bytes"),
        (b"[1, 2]", "JSON Lines"),
        (b"id,title,price\n", "the header lacks link, image_link, availability (its columns: id, title, price)"),
        ((HEADER[:-1] + ",price\n").encode(), "names price more than once"),
        (HEADER.encode() + b"x" * 1_100_000, "line 2 has more than"),
    ],
)
def test_a_file_that_is_no_feed_is_refused_as_a_whole(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(FeedError) as caught:
        read_text(tmp_path, content)
    assert said in str(caught.value)


def test_a_missing_feed_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"nowhere\.csv: there is no such file"):
        open_feed(tmp_path / "nowhere.csv")


def test_rows_are_read_one_at_a_time(tmp_path: Path) -> None:
    feed = write_feed(tmp_path / "feed.csv", [feed_row(str(number)) for number in range(20_000)])
    opened = open_feed(feed)
    next(opened.rows())
    assert 0 < opened.file.bytes_done < feed.stat().st_size / 10


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_whatever_stands_in_a_feed_the_lines_before_it_are_read(tmp_path: Path, content: bytes) -> None:
    items = read_text(tmp_path, HEADER.encode() + good("first").encode() + content)
    assert rows_of(items)[0].external_id == "first"
    assert all(item.line >= 2 for item in items)


@given(title=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
def test_any_text_survives_the_way_through_a_feed(tmp_path: Path, title: str) -> None:
    row = read_one(tmp_path, title=title)
    if title.strip():
        assert isinstance(row, FeedRow)
        assert row.title == title.strip()
    else:
        assert row == FeedRowError(2, "title", "is empty", "A1")


def test_a_record_of_endless_lines_is_given_up_and_reading_goes_on() -> None:
    lines = io.StringIO('a,"' + "x\n" * (text.MAX_RECORD_LINES + 10) + "b,c\n")
    found = list(text.records(lines, ","))
    assert isinstance(found[0], FeedRowError)
    assert found[0].line == 1
    assert found[-1] == text.Record(text.MAX_RECORD_LINES + 11, ["b", "c"])


@pytest.mark.parametrize("module", [cells, html_text, money, prices, product_search_products, vocabulary, xml_items])
def test_the_examples_in_docstrings_hold(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "n_rows"), [("luma", 440), ("wardrobe", 2125)])
def test_real_feeds_are_read_without_one_error(shared_data: Path, folder: str, n_rows: int) -> None:
    items = list(read_feed(shared_data / folder / "feed.csv"))
    assert errors_of(items) == []
    assert len(items) == n_rows
