import pytest

from bot.errors import Refused
from bot.slack.limits import VALUE
from bot.slack.values import decode_value, encode_value


def test_ids_come_back_as_they_were() -> None:
    assert decode_value(encode_value(i="k3v9x2ab", p="restore-table")) == {"i": "k3v9x2ab", "p": "restore-table"}


def test_a_value_at_slacks_limit_is_written_and_one_past_it_is_not() -> None:
    frame = len(encode_value(i=""))
    assert len(encode_value(i="x" * (VALUE - frame))) == VALUE
    with pytest.raises(ValueError, match="ids only"):
        encode_value(i="x" * (VALUE - frame + 1))


@pytest.mark.parametrize("value", [None, "", "ok", "[]", '{"i": 1}', '{"i": {"a": "b"}}', "{", "null"])
def test_a_value_that_is_not_ours_is_refused_with_words(value: str | None) -> None:
    with pytest.raises(Refused, match="another version"):
        decode_value(value)
