"""The pack holds everything it refers to, and its hash changes with its content alone."""

import hashlib
import json
import re

import pytest

from server.guide import service
from server.guide.pack import pack
from server.guide.service import Guide
from server.kernel.errors import DomainError
from server.policy import service as policy_service
from server.policy.book import PolicyBook
from tests.policy.shelf import Copy


def test_a_pack_refers_to_nothing_outside_it(guide: Guide, book: PolicyBook) -> None:
    found = pack(guide, book)
    assert found.edition == service.newest(guide)
    assert {a.slug for a in found.articles} == {head.slug for head in found.edition.articles}
    assert {leaflet.audience for leaflet in found.leaflets} == set(found.edition.leaflets)
    assert {programme.id for programme in found.programmes} == set(book.programmes)
    clauses = {clause.id for clause in found.clauses}
    policies = {policy.id for policy in found.policies}
    values = json.loads(found.model_dump_json(exclude={"clauses", "policies"}))
    named = set(re.findall(rf"(?:{'|'.join(book.policies)})/[gsr]?\d+(?:\.\d+)?", json.dumps(values)))
    assert named
    assert named <= clauses
    assert {clause.partition("/")[0] for clause in clauses} == policies


def test_the_hash_is_one_that_a_phone_can_work_out(guide: Guide, book: PolicyBook) -> None:
    values = json.loads(pack(guide, book).model_dump_json(by_alias=True))
    told = values.pop("content_hash")
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == told


def test_another_word_makes_another_hash_and_the_same_words_the_same(
    guide: Guide, book: PolicyBook, copy: Copy
) -> None:
    before = pack(guide, book).content_hash

    def packed() -> str:
        other_book = policy_service.load(copy.root)
        return pack(service.load(copy.root, other_book), other_book).content_hash

    assert packed() == before
    copy.edit("guide/2026/edition.yaml", lambda edition: edition.update(intro="另一句话。"))
    assert packed() != before


def test_an_edition_that_is_not_there_cannot_be_packed(guide: Guide, book: PolicyBook) -> None:
    with pytest.raises(DomainError) as missing:
        pack(guide, book, "1999")
    assert missing.value.status == 404
