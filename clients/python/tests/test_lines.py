"""Bytes into lines and events, wherever they are cut."""

from thermocline._lines import Event, Events, Lines

TEXT = (
    '\ufeff: a comment\r\n\r\nid: 1\nevent: message\ndata: {"content":"溫躍層 🌊 \u2028\x0b\x85"}\n\n'
    "data:first\rdata: second\r\rid: 2\n\nretry: 10\nunknown: x\nevent: erased\ndata\nid: has\0nul\n\ndata: never finished"
)


def test_events_are_the_same_wherever_the_bytes_are_cut() -> None:
    data = TEXT.encode()
    for place in range(len(data) + 1):
        lines, events = Lines(), Events()
        cut = [*lines.add(data[:place]), *lines.add(data[place:])]
        assert [event for line in cut if (event := events.add(line))] == [
            Event("message", '{"content":"溫躍層 🌊 \u2028\x0b\x85"}', "1"),
            Event("message", "first\nsecond", "1"),
            Event("message", None, "2"),
            Event("erased", "", "2"),
        ], f"cut at {place}"


def test_lines_keep_everything_but_their_ends() -> None:
    data = b"a\n\nb\r\nc\rd\r"
    for place in range(len(data) + 1):
        lines = Lines()
        assert [*lines.add(data[:place]), *lines.add(data[place:]), *lines.end()] == ["a", "", "b", "c", "d"], place
