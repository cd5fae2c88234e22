"""English words of product feeds and the categories of the taxonomy they mean.

Keys are singular, lower case, without hyphens (`search.product_categories` turns feed text into that form). An empty
value marks a phrase that must not be read word by word ("short sleeve" is no shorts).
"""

from __future__ import annotations

from collections.abc import Mapping

SHIRT, TOP, SWEATER, CARDIGAN, JACKET, VEST, PANTS, SHORTS, SKIRT, COAT, DRESS, JUMPSUIT, CAPE = range(13)
GLASSES, HAT, HEAD_COVERING, TIE, GLOVE, WATCH, BELT = range(13, 20)
LEG_WARMER, TIGHTS, SOCK, SHOE, BAG, SCARF, UMBRELLA = range(20, 27)

_WORDS: Mapping[tuple[int, ...], str] = {
    (SHIRT,): "shirt, blouse, dress shirt, button down, button up, overshirt, flannel shirt, oxford shirt, "
    "work shirt, guayabera, chambray shirt, denim shirt, hawaiian shirt, shirt blouse",
    (TOP,): "top, t shirt, tshirt, tee, tee shirt, sweatshirt, sweat shirt, hoodie, hoody, tank, tank top, "
    "crop top, tube top, camisole, cami, singlet, polo, polo shirt, rugby shirt, jersey, henley, bra, sport bra, "
    "bralette, bustier, corset, bodysuit, tunic, undershirt, base layer, rash guard, sleep shirt, halter, "
    "vest top, long sleeve tee, halter neck, sweat top",
    (SWEATER,): "sweater, jumper, knit, knitwear, pullover sweater, turtleneck, turtle neck, roll neck, "
    "crewneck sweater, knit top",
    (TOP, SWEATER): "pullover, pullie, crewneck, crew neck",
    (TOP, JACKET): "fleece, hooded fleece, shacket",
    (SHIRT, TOP, SWEATER): "long sleeve, longsleeve",
    (CARDIGAN,): "cardigan, cardi, twinset",
    (JACKET,): "jacket, blazer, bomber, windbreaker, shell, anorak, parka jacket, sport coat, sportcoat, tuxedo, "
    "suit jacket, track jacket, shirt jacket, puffer jacket, down jacket, denim jacket, windcheater, softshell, "
    "coach jacket",
    (JACKET, COAT): "parka, puffer, raincoat jacket, outer, rain jacket",
    (JACKET, COAT, VEST, CAPE): "outerwear, outwear, outerwear jacket",
    (JACKET, PANTS): "suit, tracksuit, track suit, pajama, pyjama, sweatsuit",
    (VEST,): "vest, waistcoat, gilet, sweater vest, puffer vest, down vest",
    (PANTS,): "pant, trouser, jean, chino, slack, capri, jogger, sweatpant, cargo, cargo pant, dress pant, "
    "culotte, palazzo, khaki, corduroy, track pant, trackpant, tracksuit bottom, yoga pant, bootcut, denim pant, "
    "pajama pant, bottom, dungaree pant",
    (PANTS, TIGHTS): "legging, jegging, tregging, yoga legging",
    (SHORTS,): "short, bermuda, boardshort, board short, swim short, swim trunk, trunk, boxer, "
    "bike short, hot pant, skort",
    (SKIRT,): "skirt, miniskirt, mini skirt, kilt, sarong, tutu",
    (COAT,): "coat, overcoat, trench, trench coat, peacoat, pea coat, raincoat, rain coat, duster, topcoat, "
    "duffle coat, duffel coat, trenchcoat, parka coat",
    (DRESS,): "dress, gown, sundress, maxi dress, midi dress, shirt dress, shirtdress, sweater dress, frock, "
    "kaftan, caftan, nightgown, nightdress, robe, t shirt dress, minidress, evening gown, coat dress",
    (JUMPSUIT,): "jumpsuit, romper, playsuit, overall, dungaree, catsuit, boiler suit, onesie, coverall, unitard",
    (CAPE,): "cape, poncho, capelet, ruana",
    (GLASSES,): "glass, sunglass, eyeglass, spectacle, goggle, eyewear",
    (HAT,): "hat, cap, beanie, beret, fedora, baseball cap, bucket hat, trilby, visor, headwear, snapback, panama, "
    "bowler hat, sun hat, knit cap, watch cap, knit hat",
    (HEAD_COVERING,): "headband, head band, hairband, hair accessory, bandana, hijab, turban, headscarf, head scarf, "
    "hair clip, scrunchie, tiara, balaclava, fascinator, hair band, head covering",
    (TIE,): "tie, necktie, bow tie, bowtie, cravat, ascot",
    (GLOVE,): "glove, mitten, mitt",
    (WATCH,): "watch, wristwatch, smartwatch, chronograph, smart watch, timepiece",
    (BELT,): "belt, suspender, cummerbund, waist belt, sash",
    (LEG_WARMER,): "leg warmer, legwarmer, gaiter",
    (TIGHTS,): "tight, stocking, pantyhose, hosiery, fishnet, hold up, nylon stocking",
    (SOCK,): "sock, ankle sock, knee sock, crew sock, footie",
    (SHOE,): "shoe, sneaker, boot, bootie, sandal, loafer, heel, pump, flat, trainer, slipper, mule, clog, espadrille, "
    "oxford, brogue, derby, moccasin, flip flop, footwear, stiletto, wedge, ankle boot, ballerina, slide, "
    "slingback, cleat, sock boot, dress shoe, high top, boat shoe, ballet flat, chukka, running shoe",
    (BAG,): "bag, handbag, backpack, tote, clutch, wallet, purse, satchel, messenger, messenger bag, duffle, duffel, "
    "duffle bag, rucksack, briefcase, luggage, suitcase, pouch, shoulder pack, pack, fanny pack, belt bag, "
    "crossbody, cardholder, card holder, hobo, holdall, weekender, knapsack, bum bag, tote bag, belt pack, "
    "hip pack, waist pack, day pack, daypack, card case, watch case",
    (SCARF,): "scarf, shawl, pashmina, snood, stole, bandana scarf, neckerchief, wrap scarf, foulard",
    (UMBRELLA,): "umbrella, parasol, brolly",
    (): "short sleeve, long sleeve length, cap sleeve, bell bottom, sleeve length, high heel height, bow tie neck, "
    "tie dye, tie waist, tie front, tie neck, tie back, belt loop, sock liner, flat front, top handle, top stitch, "
    "boot cut, button front, shell stitch, capri length, polo neck, polo collar, glass bead, watch strap, "
    "watch band, shoe lace, shoelace, hat box, jersey knit, fleece lined, down filled, heel height, wedge heel height, "
    "bottom hem, cable knit, rib knit, flat knit, knit fabric, hot pink, tank strap, slide buckle, pack of",
}

PHRASES: Mapping[str, frozenset[int]] = {
    phrase.strip(): frozenset(category_ids) for category_ids, phrases in _WORDS.items() for phrase in phrases.split(",")
}

WHOLE_SEGMENTS: Mapping[str, frozenset[int]] = {
    "shirts & tops": frozenset({SHIRT, TOP, SWEATER, CARDIGAN}),
    "tops": frozenset({SHIRT, TOP, SWEATER, CARDIGAN}),
    "tops & t-shirts": frozenset({SHIRT, TOP}),
    "coats & jackets": frozenset({COAT, JACKET, VEST, CAPE}),
    "sweaters & cardigans": frozenset({SWEATER, CARDIGAN}),
    "outerwear": frozenset({COAT, JACKET, VEST, CAPE}),
    "one-pieces": frozenset({JUMPSUIT, DRESS}),
    "handbags, wallets & cases": frozenset({BAG}),
}
"""Steps of category paths that mean more than their words: Google files sweaters under Shirts & Tops."""

GOOGLE_CATEGORY_IDS: Mapping[str, frozenset[int]] = {
    "212": WHOLE_SEGMENTS["shirts & tops"],
    "203": WHOLE_SEGMENTS["outerwear"],
    "5598": WHOLE_SEGMENTS["coats & jackets"],
    "204": frozenset({PANTS, TIGHTS}),
    "207": frozenset({SHORTS}),
    "1581": frozenset({SKIRT}),
    "2271": frozenset({DRESS}),
    "187": frozenset({SHOE}),
    "201": frozenset({WATCH}),
    "3032": frozenset({BAG}),
    "6551": frozenset({BAG}),
    "169": frozenset({BELT}),
    "173": frozenset({HAT}),
    "178": frozenset({GLASSES}),
    "209": frozenset({SOCK}),
}
"""Google's product taxonomy by number, the apparel that maps to one kind of garment."""
