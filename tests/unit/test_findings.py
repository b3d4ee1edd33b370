# SPDX-License-Identifier: GPL-2.0-or-later
"""What a run says of its findings: a few places in full, all of them with their counts at the end."""

from __future__ import annotations

from dataclasses import replace

from stm32emu.findings import IN_FULL, Finding, Findings, Place, When


def found(line: int, kind: str = "calloc does not clear") -> Finding:
    return Finding("alloc", f"{kind}: at 0x{line:x}", (Place(0, "f", "f.c", line),), (), {}, When(None, 0, 0.0))


def test_the_first_places_are_told_in_full_and_the_others_announced() -> None:
    told: list[str] = []
    findings = Findings(told.append)
    for line in [1, 1, *range(2, IN_FULL + 3)]:
        findings.add(line, lambda line=line: found(line))  # type: ignore[misc]
    assert [text.splitlines()[0] for text in told[:IN_FULL]] == [
        f"alloc: calloc does not clear: at 0x{line:x}" for line in range(1, IN_FULL + 1)
    ]
    assert told[IN_FULL:] == ["alloc: calloc does not clear, at more places (the end of the run lists them)"]
    assert findings.summary() == [
        "alloc: calloc does not clear\n"
        "       2 times called from f (f.c:1)\n"
        + "\n".join(f"       once called from f (f.c:{n})" for n in range(2, IN_FULL + 3))
    ]
    assert [entry["count"] for entry in findings.to_list()] == [2, *[1] * (IN_FULL + 1)]


def test_each_kind_is_told_by_itself() -> None:
    told: list[str] = []
    findings = Findings(told.append)
    for line in range(IN_FULL):
        findings.add(line, lambda line=line: found(line))  # type: ignore[misc]
    findings.add("other", lambda: found(9, "no memory"))
    assert len(told) == IN_FULL + 1
    assert findings.summary() == []


def test_the_first_sentence_of_each_check() -> None:
    findings = Findings(lambda _text: None)
    for line in (1, 2):
        findings.add(line, lambda line=line: found(line))  # type: ignore[misc]
    findings.add("stack", lambda: replace(found(3, "overflows"), check="stack"))
    assert list(findings.first_sentences().items()) == [
        ("alloc", "calloc does not clear: at 0x1"),
        ("stack", "overflows: at 0x3"),
    ]
