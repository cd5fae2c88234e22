"""The shop's words and prices for a product: one row of a Google Merchant feed."""

from __future__ import annotations

import numpy as np

from segmentation.drawn.products import Product, is_patterned

FEED_COLUMNS: tuple[str, ...] = (
    "id",
    "title",
    "description",
    "link",
    "image_link",
    "availability",
    "price",
    "sale_price",
    "brand",
    "item_group_id",
    "color",
    "size",
    "gender",
    "age_group",
    "google_product_category",
    "product_type",
    "material",
    "pattern",
)
LISTING_STREAM = 4
BRANDS = ("Selvedge & Co", "Northloom", "Atelier Ruban", "Kestrel", "Dune & Pine", "Marlow Street", "Ocho", "Hemline")
LINES = (
    "Alder",
    "Brook",
    "Cove",
    "Delphine",
    "Ellis",
    "Fjord",
    "Greta",
    "Harlow",
    "Iris",
    "Juno",
    "Kit",
    "Lark",
    "Milo",
    "Nova",
    "Orla",
    "Piper",
)
PATTERN_WORDS = {
    "striped": "striped",
    "pinstripe": "pinstriped",
    "vertical_stripe": "vertical-stripe",
    "gingham": "gingham",
    "plaid": "plaid",
    "dots": "polka-dot",
    "floral": "floral",
    "camo": "camouflage",
    "leopard": "leopard-print",
    "houndstooth": "houndstooth",
    "cable": "cable-knit",
    "color_block": "color-block",
    "melange": "melange",
    "plain": "",
}
BASE_PRICES = {
    0: 45,
    1: 22,
    2: 58,
    3: 64,
    4: 110,
    5: 55,
    6: 62,
    7: 36,
    8: 48,
    9: 170,
    10: 78,
    11: 88,
    13: 60,
    14: 26,
    16: 32,
    18: 130,
    19: 34,
    22: 10,
    23: 90,
    24: 85,
    25: 38,
}
"""Whole dollars by category, before a product's own factor."""
GOOGLE_CATEGORIES = {
    0: "Clothing > Shirts & Tops",
    1: "Clothing > Shirts & Tops",
    2: "Clothing > Shirts & Tops",
    3: "Clothing > Shirts & Tops",
    4: "Clothing > Outerwear > Coats & Jackets",
    5: "Clothing > Outerwear > Vests",
    6: "Clothing > Pants",
    7: "Clothing > Shorts",
    8: "Clothing > Skirts",
    9: "Clothing > Outerwear > Coats & Jackets",
    10: "Clothing > Dresses",
    11: "Clothing > One-Pieces > Jumpsuits & Rompers",
    13: "Clothing Accessories > Sunglasses",
    14: "Clothing Accessories > Hats",
    16: "Clothing Accessories > Neckties",
    18: "Jewelry > Watches",
    19: "Clothing Accessories > Belts",
    22: "Clothing > Underwear & Socks > Socks",
    23: "Shoes",
    24: "Handbags, Wallets & Cases > Handbags",
    25: "Clothing Accessories > Scarves & Shawls",
}


def feed_row(product: Product, image_link: str, seed: int) -> dict[str, str]:
    """The product's row, by column of `FEED_COLUMNS`; the same for the same seed."""
    group = np.random.default_rng([seed, LISTING_STREAM, product.group_number])
    brand, line = BRANDS[int(group.integers(len(BRANDS)))], LINES[int(group.integers(len(LINES)))]
    price = BASE_PRICES[product.category_id] * float(group.uniform(0.7, 1.9))
    own = np.random.default_rng([seed, LISTING_STREAM, product.group_number, product.number])
    stock = own.random()
    on_sale = own.random() < 0.18
    noun, word = product.cut.noun, PATTERN_WORDS[product.fabric.pattern]
    described = f"{word} {noun}".strip()
    article = "An" if product.color_name[0] in "AEIOU" else "A"
    pair = product.category_id in (22, 23)
    sentence = f"{'' if pair else article + ' '}{product.color_name.lower()} {described} in {product.fabric.material}."
    return {
        "id": product.product_id,
        "title": f"{line} {described.title()}",
        "description": sentence[0].upper() + sentence[1:],
        "link": f"https://drawn.example/{product.product_id.lower()}",
        "image_link": image_link,
        "availability": "out_of_stock" if stock < 0.12 else "preorder" if stock < 0.15 else "in_stock",
        "price": f"{round(price) - 0.01:.2f} USD",
        "sale_price": f"{round(price * 0.75) - 0.01:.2f} USD" if on_sale else "",
        "brand": brand,
        "item_group_id": product.item_group_id,
        "color": product.color_name,
        "size": _sizes(product),
        "gender": product.gender,
        "age_group": "adult",
        "google_product_category": f"Apparel & Accessories > {GOOGLE_CATEGORIES[product.category_id]}",
        "product_type": f"{_aisle(product)} > {product.cut.product_type}",
        "material": product.fabric.material.title(),
        "pattern": word.title() if is_patterned(product.fabric.pattern) else "Solid",
    }


def _aisle(product: Product) -> str:
    return {"female": "Women", "male": "Men", "unisex": "Accessories"}[product.gender]


def _sizes(product: Product) -> str:
    if product.category_id == 23:
        return "36/37/38/39/40" if product.gender == "female" else "40/41/42/43/44"
    return "One size" if product.cut.accessory is not None else "XS/S/M/L/XL"
