"""Who visits a page: the browser's token, a number for the address, and what a kernel is told."""

import re

import pytest

from artnb.widgets import visitors
from artnb.widgets.visitors import Visitor, checked_token, introduce, leave, source_of, this_visitor

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize("cookie", [None, "", "x", TOKEN.upper(), TOKEN + "0", "../" + TOKEN[3:], TOKEN[:-1] + "\n"])
def test_a_browser_keeps_its_token_and_anything_else_is_replaced_by_a_new_one(cookie):
    assert checked_token(TOKEN) == TOKEN
    new = checked_token(cookie)
    assert re.fullmatch("[0-9a-f]{32}", new) and new != cookie and new != checked_token(cookie)


def test_an_address_is_a_number_that_does_not_tell_it(monkeypatch):
    first, second = source_of("192.0.2.7"), source_of("192.0.2.8")
    assert first == source_of("192.0.2.7") != second and re.fullmatch("[0-9a-f]{12}", first)
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff") != source_of("2001:db8:0:1::1"), "one network"
    assert source_of("fe80::1%eth0") and source_of(None) == source_of("a text") == ""
    monkeypatch.setattr(visitors, "_KEY", b"another server")
    assert source_of("192.0.2.7") != first


def test_a_kernel_is_told_of_its_first_visitor_and_forgets_when_it_ends(tmp_path, monkeypatch):
    connection = tmp_path / "kernel-1.json"
    monkeypatch.setattr(visitors, "_own_file", lambda: tmp_path / "kernel-1.visitor")
    assert this_visitor("visit") == Visitor("visit"), "it waits"
    introduce(connection, Visitor(TOKEN, "house"))
    introduce(connection, Visitor("f" * 32, "other"))
    assert this_visitor("visit") == Visitor(TOKEN, "house")
    leave(connection)
    leave(connection)
    assert this_visitor("visit") == Visitor("visit") and not list(tmp_path.iterdir())


def test_outside_of_a_kernel_the_visit_stands_for_the_visitor():
    visitors._own_file.cache_clear()
    assert this_visitor("visit") == Visitor("visit", "")
