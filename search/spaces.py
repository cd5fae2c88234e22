"""Which space answers searches, and how another one takes its place.

At most one space *serves*. Where none ever did (nothing was indexed yet), the configured checkpoints' space answers.
From the first indexing on, the serving space is a record: replacing the configured checkpoints changes nothing until
their space was built (`index_catalog --space new`) and promoted (`promote_space`), because its predecessor's
checkpoints are kept in the models folder.

A space being built is a *shadow*. New and changed photos are described in the serving space and in every shadow, so
that a shadow does not fall behind while it is compared; one that is given up is removed with `remove_space`. A retired
space is left as it was: going back to it (`rollback_space`) reconciles its index first and describes what came since.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet

from search.errors import SpaceRefused, SpaceUnknown
from search.models import Space
from segmentation.checkpoint import SpaceInfo
from workers import client, model_files
from workers.errors import ModelMissing, ModelsNotKept
from workers.model_files import CheckpointPair, configured_pair, keep_pair

_log = logging.getLogger(__name__)


def serving_space() -> SpaceInfo:
    """The space that answers searches now: one query by a unique index, so every process sees a promotion at once.

    Ask once a request and pass the answer on: one search uses one space throughout.

    Raises:
        ModelMissing: No space serves yet, and a configured checkpoint is missing or damaged.
    """
    serving = _serving().values_list("name", "dim", "segmenter_version", "embedder_version").first()
    return client.space() if serving is None else SpaceInfo(*serving)


def serving_record() -> Space:
    """The record of the serving space, for those who write to it.

    Where no space serves, or the one that does never saw a photo, the configured checkpoints' space begins to.

    Raises:
        ModelMissing: No space serves yet, and a configured checkpoint is missing or damaged.
    """
    serving = _serving().first()
    if serving is not None and serving.descriptions.exists():
        return serving
    try:
        configured = configured_pair().space().name
    except ModelMissing:
        if serving is None:
            raise
        return serving
    if serving is not None and serving.name == configured:
        return serving
    begun = _register_configured()
    switch_serving(begun, instead_of=serving, to_go_back=False)
    return Space.objects.get(pk=begun.pk)


def begin_shadow(segmenter: Path | None = None, embedder: Path | None = None) -> Space:
    """Registers a pair of checkpoints whose space shall be built while another one serves. Repeating it is fine.

    Where no file is named and the configured pair serves, the shadow that was begun with other files is meant.

    Args:
        segmenter: Its segmenter; None is the configured one.
        embedder: Its embedder; None is the configured one.

    Raises:
        SpaceRefused: The pair's space serves already.
        ModelMissing: A checkpoint is missing or damaged.
        ModelsNotKept: The models folder cannot be written.
    """
    configured = configured_pair()
    pair = CheckpointPair(
        configured.segmenter if segmenter is None else segmenter, configured.embedder if embedder is None else embedder
    )
    name = keep_pair(pair).name
    if name == serving_record().name:
        begun = shadow_spaces()
        if segmenter is None and embedder is None and len(begun) == 1:
            return begun[0]
        raise SpaceRefused(f"Space {name} of these checkpoints serves already: name others by --segmenter, --embedder.")
    space = _register(pair)
    if space.state != Space.State.NEW:
        Space.objects.filter(pk=space.pk).exclude(state=Space.State.SERVING).update(state=Space.State.NEW)
        space.refresh_from_db()
    return space


def shadow_spaces() -> list[Space]:
    """The spaces that are being built, oldest first."""
    # A record without checkpoints is of a time before shadows, or of a benchmark.
    return list(Space.objects.filter(state=Space.State.NEW).exclude(segmenter_file="").order_by("pk"))


def fresh_spaces() -> list[Space]:
    """The spaces that every change of the catalog must reach: the serving one first, then the shadows.

    Raises:
        ModelMissing: No space serves yet, and a configured checkpoint is missing or damaged.
    """
    return [serving_record(), *shadow_spaces()]


def spaces_to_describe(
    word: str | None, segmenter: Path | None = None, embedder: Path | None = None, *, after_feed: bool
) -> list[Space]:
    """The spaces an indexing run describes photos in.

    Args:
        word: As of `find_space`; `new` also begins a shadow of the given checkpoints, and `configured` one of the
            configured checkpoints where they do not serve. None: the spaces that are kept up.
        segmenter: With `new`, see `begin_shadow`.
        embedder: Likewise.
        after_feed: The catalog has changed, so every space that is kept up is described in too.

    Raises:
        SpaceUnknown, SpaceRefused, ModelMissing, ModelsNotKept: As `find_space` and `begin_shadow`.
    """
    if word is None:
        return fresh_spaces()
    if word == "new":
        named = begin_shadow(segmenter, embedder)
    elif word == "configured" and serving_record().name != client.space().name:
        named = begin_shadow()
    else:
        named = find_space(word)
    return list({space.pk: space for space in (*fresh_spaces(), named)}.values()) if after_feed else [named]


def find_space(word: str) -> Space:
    """The space an operator means: its name, the hash at its end, `serving`, `configured`, or `new` (the only shadow).

    Raises:
        SpaceUnknown: None is meant, or several are; the message lists those there are.
        ModelMissing: `configured`, and a configured checkpoint is missing or damaged.
    """
    if word == "configured":
        word = client.space().name
    named = {
        "serving": Q(state=Space.State.SERVING),
        "new": Q(state=Space.State.NEW) & ~Q(segmenter_file=""),
    }.get(word, Q(name=word) | Q(name__endswith=f"@{word}"))
    found = list(Space.objects.filter(named)[:2])
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{space.name} ({space.state})" for space in Space.objects.order_by("pk"))
    what = f"No space is meant by {word!r}" if not found else f"Several spaces are meant by {word!r}"
    raise SpaceUnknown(f"{what}; there are: {known or 'none, run index_catalog'}.")


def tell_waiting_checkpoints(serving: Space) -> str | None:
    """What an operator should know where the configured checkpoints are not those that serve; None where they are."""
    try:
        configured = configured_pair().space().name
    except ModelMissing as error:
        return f"{error} Space {serving.name} goes on serving from the models folder."
    if configured == serving.name:
        return None
    return (
        f"The configured checkpoints are of space {configured}; {serving.name} goes on serving until that one is "
        f"built (index_catalog --space new) and promoted (promote_space {configured})."
    )


@transaction.atomic
def switch_serving(space: Space, *, instead_of: Space | None, to_go_back: bool = True) -> None:
    """Makes a space the serving one, for every process at its next search; nothing where it serves already.

    Args:
        space: The one to serve.
        instead_of: The one that serves now, as the caller knows it.
        to_go_back: Remember the old one as where `rollback_space` goes.

    Raises:
        SpaceRefused: Another space serves by now than the caller knows of.
        SpaceUnknown: The space was removed meanwhile.
    """
    # Every row, in one order: two switches at a time wait for each other.
    rows = {row.pk: row for row in Space.objects.select_for_update().order_by("pk")}
    serving = next((row for row in rows.values() if row.state == Space.State.SERVING), None)
    if serving is not None and serving.pk == space.pk:
        return
    if (None if serving is None else serving.pk) != (None if instead_of is None else instead_of.pk):
        raise SpaceRefused(f"Meanwhile {'no space' if serving is None else serving.name} serves; look again.")
    chosen = rows.get(space.pk)
    if chosen is None:
        raise SpaceUnknown(f"Space {space.name} was removed meanwhile.")
    if serving is not None:
        # Before the other begins: one_serving_space holds at every moment.
        serving.state = Space.State.RETIRED
        serving.save(update_fields=["state"])
        if to_go_back:
            chosen.previous = serving
    chosen.state, chosen.promoted_at = Space.State.SERVING, datetime.now(UTC)
    chosen.save(update_fields=["state", "promoted_at", "previous"])
    transaction.on_commit(lambda: announce(chosen.name))


def announce(space: str) -> None:
    """Lets those who run models load a space's beside serving; a models folder that is read-only costs only speed."""
    try:
        model_files.announce(space)
    except ModelsNotKept as error:
        _log.warning("%s The first photo in space %s waits until its model is loaded.", error, space)


def _serving() -> QuerySet[Space]:
    return Space.objects.filter(state=Space.State.SERVING)


def _register_configured() -> Space:
    pair = configured_pair()
    try:
        keep_pair(pair)
    except ModelsNotKept as error:
        _log.warning("%s Replacing the configured checkpoints would leave their space without a model.", error)
    return _register(pair)


def _register(pair: CheckpointPair) -> Space:
    info = pair.space()
    facts = {
        "dim": info.dim,
        "segmenter_version": info.segmenter_version,
        "embedder_version": info.embedder_version,
        "segmenter_file": str(pair.segmenter.resolve())[-500:],
        "embedder_file": str(pair.embedder.resolve())[-500:],
    }
    return Space.objects.update_or_create(name=info.name, defaults=facts)[0]
