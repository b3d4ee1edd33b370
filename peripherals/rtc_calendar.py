# SPDX-License-Identifier: GPL-2.0-or-later
"""The RTC's dates and times as registers have them, in BCD (RM0090 section 26.6), and when an alarm is due."""

from __future__ import annotations

from datetime import datetime, timedelta

ALARM_HORIZON_DAYS = 366 * 8 + 1  # 29 February is at most that far


def _bcd(value: int) -> int:
    return value // 10 << 4 | value % 10


def _binary(bcd: int) -> int:
    return (bcd >> 4) * 10 + (bcd & 15)


def _weekday(day: datetime, shift: int) -> int:
    return (day.weekday() + shift) % 7 + 1


def to_registers(when: datetime, twelve_hours: bool, shift: int = 0) -> tuple[int, int]:
    """TR and DR, the weekday `shift` days after the date's. In the 12-hour format midnight is 12 AM, noon 12 PM."""
    hour, afternoon = ((when.hour + 11) % 12 + 1, when.hour >= 12) if twelve_hours else (when.hour, False)
    tr = afternoon << 22 | _bcd(hour) << 16 | _bcd(when.minute) << 8 | _bcd(when.second)
    dr = _bcd(when.year % 100) << 16 | _weekday(when, shift) << 13 | _bcd(when.month) << 8 | _bcd(when.day)
    return tr, dr


def _hour(register: int, twelve_hours: bool) -> int:
    """The hour of TR or an alarm register."""
    hour = _binary(register >> 16 & 0x3F)
    return hour % 12 + 12 * (register >> 22 & 1) if twelve_hours else hour


def from_registers(tr: int, dr: int, twelve_hours: bool) -> datetime:
    """The date and time written. A day that its month lacks counts on into the next month."""
    month, day = min(max(_binary(dr >> 8 & 0x1F), 1), 12), max(_binary(dr & 0x3F), 1)
    start = datetime(2000 + _binary(dr >> 16 & 0xFF) % 100, month, 1)
    return start + timedelta(
        days=day - 1, hours=_hour(tr, twelve_hours), minutes=_binary(tr >> 8 & 0x7F), seconds=_binary(tr & 0x7F)
    )


def next_alarm(now: datetime, register: int, twelve_hours: bool, shift: int = 0) -> datetime | None:
    """When the alarm in ALRMxR is due next, later than `now`; None if never. `shift`: see to_registers."""
    seconds = range(60) if register >> 7 & 1 else (_binary(register & 0x7F),)
    minutes = range(60) if register >> 15 & 1 else (_binary(register >> 8 & 0x7F),)
    hours = range(24) if register >> 23 & 1 else (_hour(register, twelve_hours),)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(ALARM_HORIZON_DAYS):
        day = midnight + timedelta(days=days)
        if not _is_alarm_day(day, register, shift):
            continue
        for hour in hours:
            for minute in minutes:
                if day + timedelta(hours=hour, minutes=minute + 1) <= now:
                    continue
                for second in seconds:
                    due = day + timedelta(hours=hour, minutes=minute, seconds=second)
                    if due > now:
                        return due
    return None


def _is_alarm_day(day: datetime, register: int, shift: int) -> bool:
    if register >> 31 & 1:
        return True
    if register >> 30 & 1:
        return _weekday(day, shift) == register >> 24 & 0xF
    return day.day == _binary(register >> 24 & 0x3F)
