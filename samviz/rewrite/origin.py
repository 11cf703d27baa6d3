"""A new trace says in its meta what it was made of."""

import json
from typing import Any

from samviz.errors import ConfigError
from samviz.recorder.layout import encode_meta

Meta = dict[str, Any]


def with_origin(meta: Meta, key: str, value: Any, otherwise: str) -> tuple[str, list[str]]:
    """The meta as JSON with `value` as `user.key`; `otherwise` and a note where that does not fit in."""
    user = meta.get("user")
    told = user if isinstance(user, dict) else {} if user is None else {"user": user}
    try:
        return encode_meta(meta | {"user": told | {key: value}}).decode(), []
    except ConfigError:
        return otherwise, ["meta is too full to say what the new trace was made of"]


def shared(one: Meta, other: Meta) -> Meta:
    """The keys that say the same in both; of `user` those inside it."""
    both = {key: one[key] for key in one if key in other and _text(one[key]) == _text(other[key])}
    mine, theirs = one.get("user"), other.get("user")
    if "user" not in both and isinstance(mine, dict) and isinstance(theirs, dict):
        both["user"] = shared(mine, theirs)
    return both


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
