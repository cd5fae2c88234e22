"""The options that commands which train have in common."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

WEIGHTS_HELP = "backbone weights or a segmenter checkpoint: a file, or 'imagenet'"


def add_training_options(parser: ArgumentParser) -> None:
    """Declare on how many photos to train, from what, and who loads them."""
    parser.add_argument("--weights", help=WEIGHTS_HELP)
    parser.add_argument("--subset", type=int, metavar="N", help="train on N random photos, drawn by the seed")
    parser.add_argument(
        "--workers", type=count, default=0, help="processes that load photos, for each process that trains"
    )


def count(word: str) -> int:
    """A whole number from 0 on, for argparse.

    Raises:
        ArgumentTypeError: It is none.
    """
    try:
        number = int(word)
    except ValueError as error:
        raise ArgumentTypeError(f"expected a whole number, got {word!r}") from error
    if number < 0:
        raise ArgumentTypeError(f"expected 0 or more, got {number}")
    return number
