"""Times, errors and last words of a log, as a user reads them."""

from neurosieve.progress.words import about, clock, compact, last_line, printable


def test_a_long_error_stays_a_block_of_at_most_twenty_lines():
    text = compact("\n".join(["AmbiguousRuleException:", *map(str, range(30))]))
    assert len(text.splitlines()) == 21
    assert text.endswith("… and 11 more lines")


def test_clocks():
    assert [clock(s) for s in (-3, 0, 59.6, 102, 7301)] == ["0:00", "0:00", "1:00", "1:42", "2:01:41"]
    assert [about(s) for s in (0.2, 7.2, 52, 1000, 9000)] == ["0:01", "0:07", "0:50", "16:30", "2:30:00"]


def test_the_last_line_of_a_log(tmp_path):
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "long").write_text("x" * 20000 + "\n" + "y" * 400)
    (tmp_path / "bytes").write_bytes(b"a\n\xff\x00b\n")
    paths = {name: (str(tmp_path / name),) for name in ("none", "empty", "long", "bytes")}
    assert last_line(paths["none"]) == last_line(paths["empty"]) == last_line(()) == ""
    assert last_line(paths["long"]) == "y" * 299 + "…"
    assert last_line((*paths["empty"], *paths["bytes"])) == "\ufffd b"
    assert printable("10%\r\x1b[1mdone\x1b[0m\r") == "done"
