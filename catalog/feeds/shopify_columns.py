"""The columns of Shopify's product CSV, in the names of its older and its newer template.

Source: Shopify Help Center, "Using CSV files to import and export products".
"""

from __future__ import annotations

OLDER_NAMES = {
    "url_handle": "handle",
    "description": "body_(html)",
    "product_image_url": "image_src",
    "variant_image_url": "variant_image",
    "sku": "variant_sku",
    "barcode": "variant_barcode",
    "price": "variant_price",
    "compare-at_price": "variant_compare_at_price",
    "compare_at_price": "variant_compare_at_price",
    "inventory_quantity": "variant_inventory_qty",
    "inventory_tracker": "variant_inventory_tracker",
    "continue_selling_when_out_of_stock": "variant_inventory_policy",
    "published_on_online_store": "published",
}
"""Of the newer template's columns; the others are named alike."""

REQUIRED_COLUMNS = ("handle", "title")
TELLING_COLUMNS = frozenset(
    {"variant_price", "variant_sku", "option1_name", "option1_value", "body_(html)", "image_src", "variant_image"}
)
"""Beside a handle, any of them tells a Shopify feed."""

FIELD_COLUMNS = {
    "brand": ("vendor",),
    "product_type": ("type",),
    "google_product_category": ("google_shopping_/_google_product_category", "product_category"),
    "gender": ("google_shopping_/_gender", "target_gender_(product.metafields.shopify.target-gender)"),
    "age_group": ("google_shopping_/_age_group", "age_group_(product.metafields.shopify.age-group)"),
    "color": ("color_(product.metafields.shopify.color-pattern)",),
    "material": ("fabric_(product.metafields.shopify.fabric)",),
}
"""Where a product's fields come from, the first that is filled; options come before them."""

OPTION_FIELDS = {
    "color": "color colour colors colours colorway farbe couleur colore kleur färg farve farge kolor cor 色 カラー",
    "size": "size sizes größe grösse groesse taille talla taglia maat storlek størrelse rozmiar tamanho サイズ",
    "material": "material materials stoff fabric matière materiale materiaal",
    "pattern": "pattern print muster motif",
}
OPTION_NAMES = {name: field for field, names in OPTION_FIELDS.items() for name in names.split()}
"""Which field an option of this name is."""

N_OPTIONS = 3
NO_OPTION = "default title"
OFF_SALE = frozenset({"draft", "archived", "unlisted"})
STATUSES = frozenset({"", "active", *OFF_SALE})
NOS = frozenset({"false", "no", "0"})

TAKEN_COLUMNS = frozenset(
    {
        "handle",
        "title",
        "body_(html)",
        "published",
        "status",
        "variant_sku",
        "variant_price",
        "variant_compare_at_price",
        "variant_inventory_tracker",
        "variant_inventory_qty",
        "variant_inventory_policy",
        "variant_image",
        "image_src",
        "image_position",
        *(f"option{number}_{part}" for number in range(1, N_OPTIONS + 1) for part in ("name", "value")),
        *(columns[0] for columns in FIELD_COLUMNS.values()),
    }
)
"""What ends in a product's fields; all others are kept in `extra`."""

VARIANT_STARTS = ("variant_", "option", "image_", "cost_per_item", "weight_", "inventory", "requires_", "fulfillment")
"""Columns of one row alone; the others of a product's first row are true of all its variants."""
