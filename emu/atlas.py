# SPDX-License-Identifier: GPL-2.0-or-later
"""The atlas: faults by what clients and server showed of them, in real runs of the faulty variants (`make atlas`)."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from stm32emu.errors import UserError

DATA = "atlas.json"
ANY_CLIENT_WORDS = ("page", "eof", "hangs", "closes")
CODE = re.compile(r"-0x[0-9a-f]{2,4}")


@dataclass(frozen=True)
class Fault:
    """One fault as it was seen.

    Attributes:
        command: shows it again.
        what: what is wrong, a clause.
        seen: by client, and of firmware by "server", how often which symptom showed.
        verdicts: what runs said, and how often.
        findings: what the device-side checks found, by check.
    """

    command: str
    what: str
    seen: Mapping[str, Counter[str]]
    verdicts: Mapping[str, int]
    findings: Mapping[str, str]

    def chance(self, who: str, word: str) -> float:
        """How often this client, or the server, showed it; 0 to 1."""
        symptoms = self.seen.get(who, Counter())
        return sum(n for symptom, n in symptoms.items() if shows(symptom, word)) / max(1, symptoms.total())


@dataclass(frozen=True)
class Atlas:
    """All faults, and the versions of everything that took part."""

    versions: Mapping[str, str]
    faults: tuple[Fault, ...]

    def fitting(self, wanted: Mapping[str, str]) -> list[tuple[float, Fault]]:
        """Those that show all that is wanted (a symptom by client or "server"), the likeliest first."""
        rated = []
        for fault in self.faults:
            chances = [fault.chance(who, word) for who, word in wanted.items()]
            if chances and min(chances) > 0:
                product = 1.0
                for chance in chances:
                    product *= chance
                rated.append((product, fault))
        return sorted(rated, key=lambda each: -each[0])


def shows(symptom: str, word: str) -> bool:
    """Whether a symptom such as "51 sent, -0x4e00" is what a word such as "51", "-0x4e00" or "EOF" asks for."""
    numbers = re.findall(r"\b(\d+) (?:sent|received)", symptom)
    return word.lower() in (symptom.lower(), *numbers, *CODE.findall(symptom.lower()))


def parse_symptom(word: str) -> str:
    """An alert's number, an error code of mbedTLS, or EOF, page, hangs. Raises UserError."""
    lower = word.lower()
    if lower.isdecimal() or lower in ANY_CLIENT_WORDS or CODE.fullmatch(lower):
        return lower
    raise UserError(
        f"{word!r} is not a symptom: give an alert such as 47, an error such as -0x4e00, EOF, page or hangs"
    )


def load_atlas() -> Atlas:
    """The one that comes with stm32emu."""
    return atlas_from(json.loads(files("stm32emu").joinpath(DATA).read_text()))


def atlas_from(data: Mapping[str, Any]) -> Atlas:
    """From its JSON."""
    return Atlas(data["versions"], tuple(_fault(each) for each in data["faults"]))


def _fault(data: Mapping[str, Any]) -> Fault:
    seen = {who: Counter(symptoms) for who, symptoms in data["seen"].items()}
    return Fault(data["command"], data["what"], seen, data["verdicts"], data["findings"])


def tell_apart(faults: Sequence[Fault]) -> list[str]:
    """For each of them what some of the others do not have, a clause."""
    return [_own(fault, [other for other in faults if other is not fault]) for fault in faults]


def _own(fault: Fault, others: Sequence[Fault]) -> str:
    clauses = []
    if fault.verdicts and any(set(other.verdicts) != set(fault.verdicts) for other in others):
        clauses.append(f"the verdict is {' or '.join(fault.verdicts)}")
    for check in sorted({check for each in (fault, *others) for check in each.findings}):
        text = fault.findings.get(check)
        if "server" in fault.seen and any(other.findings.get(check) != text for other in others):
            clauses.append(f"--check {check}: {text or 'finds nothing'}")
    codes = [code for code in fault.seen.get("server", ()) if code]
    if any(set(codes) != {code for code in other.seen.get("server", ()) if code} for other in others) and codes:
        clauses.append(f"the console shows {', '.join(codes)}")
    return "; ".join(clauses) or "its cause alone"
