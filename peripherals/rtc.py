# SPDX-License-Identifier: GPL-2.0-or-later
"""Real-time clock (RM0090 chapter 26): a calendar on virtual time, wake-up timer, alarms, backup registers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

from stm32emu.peripherals.clock import Action, Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, RW, WO, Register, RegisterArray
from stm32emu.peripherals.rtc_calendar import from_registers, next_alarm, to_registers

EPOCH, MONDAY = datetime(2000, 1, 1), 1  # out of reset (section 26.6.2); the weekday is a counter of its own
KEYS = (0xCA, 0x53)  # to WPR, in this order (section 26.3.5)
UNPROTECTED = (0x0C, 0x24, 0x40)  # ISR (its flags), WPR, TAFCR; the backup registers follow from 0x50 on
SYNCHRONISATION = 2  # RTCCLK cycles for INITF, RSF and the write flags
INIT_ONLY = (0x00, 0x04, 0x10)  # TR, DR, PRER


TIME = (("PM", 22, 1), ("HT", 20, 2), ("HU", 16, 4), ("MNT", 12, 3), ("MNU", 8, 4), ("ST", 4, 3), ("SU", 0, 4))
DATE = (("WDU", 13, 3), ("MT", 12, 1), ("MU", 8, 4), ("DT", 4, 2), ("DU", 0, 4))
ALARM = (
    ("MSK4", 31, 1),
    ("WDSEL", 30, 1),
    ("DT", 28, 2),
    ("DU", 24, 4),
    ("MSK3", 23, 1),
    ("MSK2", 15, 1),
    ("MSK1", 7, 1),
)


def _register(offset: int, fields: tuple[tuple[str, int, int], ...], *, reset: int = 0, access: str = RW) -> Register:
    register = Register(offset, reset=reset, access=access)
    for name, bit, width in fields:
        register.field(bit, width).name = name
    return register


class Rtc(Peripheral):
    """The RTC. It keeps its time over a system reset, as the backup domain does.

    Args:
        alarm_irq, wkup_irq: to EXTI lines 17 and 22.
        unlocked: whether PWR_CR.DBP lets the firmware write here.
    """

    MISSING: ClassVar[str] = "time stamps, tamper pins, calibration, shifting and sub-second alarms"

    TR = _register(0x00, TIME)
    DR = _register(0x04, (("YT", 20, 4), ("YU", 16, 4), *DATE), reset=0x2101)

    CR = Register(0x08)
    CR.tag("COE", 23)
    OSEL = CR.field(21, 2)
    POL = CR.field(20)
    BKP = CR.field(18)
    SUB1H = CR.field(17, access=WO)
    ADD1H = CR.field(16, access=WO)
    CR.tag("TSIE", 15)
    WUTIE = CR.field(14)
    ALRBIE = CR.field(13)
    ALRAIE = CR.field(12)
    CR.tag("TSE", 11)
    WUTE = CR.field(10)
    ALRBE = CR.field(9)
    ALRAE = CR.field(8)
    CR.tag("DCE", 7)
    FMT = CR.field(6)
    BYPSHAD = CR.field(5)
    CR.tag("REFCKON", 4)
    CR.tag("TSEDGE", 3)
    WCKSEL = CR.field(0, 3)

    ISR = Register(0x0C, reset=0x07)
    RECALPF = ISR.field(16, access=RO)
    TAMP2F = ISR.field(14, access=RC_W0)
    TAMP1F = ISR.field(13, access=RC_W0)
    TSOVF = ISR.field(12, access=RC_W0)
    TSF = ISR.field(11, access=RC_W0)
    WUTF = ISR.field(10, access=RC_W0)
    ALRBF = ISR.field(9, access=RC_W0)
    ALRAF = ISR.field(8, access=RC_W0)
    INIT = ISR.field(7)
    INITF = ISR.field(6, access=RO)
    RSF = ISR.field(5, access=RC_W0)
    INITS = ISR.field(4, access=RO)
    SHPF = ISR.field(3, access=RO)
    WUTWF = ISR.field(2, access=RO)
    ALRBWF = ISR.field(1, access=RO)
    ALRAWF = ISR.field(0, access=RO)

    PRER = Register(0x10, reset=0x007F_00FF)
    PREDIV_A = PRER.field(16, 7)
    PREDIV_S = PRER.field(0, 15)
    WUTR = Register(0x14, reset=0xFFFF)
    WUT = WUTR.field(0, 16)
    CALIBR = Register(0x18)
    CALIBR.tag("DCS", 7)
    CALIBR.tag("DC", 0, 5)

    ALRMAR = _register(0x1C, ALARM + TIME)
    ALRMBR = _register(0x20, ALARM + TIME)
    WPR = Register(0x24, access=WO)
    KEY = WPR.field(0, 8)
    SSR = Register(0x28, access=RO)
    SS = SSR.field(0, 16)
    SHIFTR = Register(0x2C, access=WO)
    SHIFTR.tag("ADD1S", 31)
    SHIFTR.tag("SUBFS", 0, 15)
    TSTR = _register(0x30, TIME, access=RO)
    TSDR = _register(0x34, DATE, access=RO)
    TSSSR = Register(0x38, access=RO)
    TSSSR_SS = TSSSR.field(0, 16)
    CALR = Register(0x3C)
    CALR.tag("CALP", 15)
    CALR.tag("CALW8", 14)
    CALR.tag("CALW16", 13)
    CALR.tag("CALM", 0, 9)
    TAFCR = Register(0x40)
    TAFCR.tag("ALARMOUTTYPE", 18)
    TAFCR.tag("TSINSEL", 17)
    TAFCR.tag("TAMP1INSEL", 16)
    TAFCR.tag("TAMPPUDIS", 15)
    TAFCR.tag("TAMPPRCH", 13, 2)
    TAFCR.tag("TAMPFLT", 11, 2)
    TAFCR.tag("TAMPFREQ", 8, 3)
    TAFCR.tag("TAMPTS", 7)
    TAFCR.tag("TAMP2TRG", 4)
    TAFCR.tag("TAMP2E", 3)
    TAFCR.tag("TAMPIE", 2)
    TAFCR.tag("TAMP1TRG", 1)
    TAFCR.tag("TAMP1E", 0)
    ALRMASSR = Register(0x44)
    ALRMASSR.tag("MASKSS", 24, 4)
    ALRMASSR_SS = ALRMASSR.field(0, 15)
    ALRMBSSR = Register(0x48)
    ALRMBSSR.tag("MASKSS", 24, 4)
    ALRMBSSR_SS = ALRMBSSR.field(0, 15)
    BKPR = RegisterArray(0x50, 20)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        alarm_irq: IrqLine,
        wkup_irq: IrqLine,
        unlocked: Callable[[], bool] = lambda: True,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.alarm_irq = alarm_irq
        self.wkup_irq = wkup_irq
        self.unlocked = unlocked
        self._events: dict[str, Event] = {}
        self._rate: tuple[int | None, int] = (None, 1)
        self._tick = 0  # of RTCCLK at its present frequency, when `_counted` was the count
        self._counted = 0
        self._offset = 0  # from the count of RTCCLK cycles to those since EPOCH
        self._shift = 0  # from the date's weekday to the one that was set
        self._wake_due: int | None = None  # a count
        self._frozen: datetime | None = None  # what DR shows after a read of TR (section 26.3.6)
        self._key = 0  # how much of the key has been written; 2 is unlocked
        self._set(EPOCH, MONDAY)
        self.retune()
        tree.listeners.append(self.retune)

    def reset(self) -> None:
        """A system reset: the backup domain runs on, only the shadow registers and the protection start over."""
        self._frozen = None
        self._key = 0
        self.BYPSHAD = self.RSF = 0
        self._synchronise("RSF")

    def backup_reset(self) -> None:
        """RCC_BDCR.BDRST: everything, the backup registers included (section 5.1.2)."""
        for event in self._events.values():
            event.cancel()
        super().reset()
        self._frozen, self._key = None, 0
        self._set(EPOCH, MONDAY)
        self._update()

    # Time

    def _ticks(self) -> int:
        hz, hclk = self._rate
        return self.clock.now * hz // hclk if hz else 0

    def retune(self) -> None:
        """RTCCLK or the core's frequency has changed: the count goes on from where it is."""
        self._counted = self._count()
        self._rate = (self.tree.rtcclk, self.tree.hclk)
        self._tick = self._ticks()
        if not self.RSF and not self.INITF:
            self._synchronise("RSF")
        self._plan()

    def _count(self) -> int:
        """Cycles of RTCCLK so far, whatever the calendar was set to."""
        return self._counted + self._ticks() - self._tick

    def _calendar_ticks(self) -> int:
        return self._count() + self._offset

    @property
    def _second(self) -> int:
        """RTCCLK cycles per calendar second, after both prescalers."""
        return (self.PREDIV_A + 1) * (self.PREDIV_S + 1)

    def _set(self, when: datetime, weekday: int) -> None:
        self._offset = self._calendar_at(when) - self._count()
        self._shift = weekday - when.isoweekday()

    def _calendar_at(self, when: datetime) -> int:
        return int((when - EPOCH).total_seconds()) * self._second

    def now(self) -> datetime:
        """The calendar, whole seconds."""
        return EPOCH + timedelta(seconds=self._calendar_ticks() // self._second % (36_525 * 86_400))

    def _registers(self, when: datetime) -> tuple[int, int]:
        return to_registers(when, bool(self.FMT), self._shift)

    # Reads depend on time: none of these may be skipped as a poll that waits for an event.
    @TR.on_read
    def _read_tr(self) -> int:
        if self.INITF:
            return self.TR
        now = self._frozen or self.now()
        self._freeze(now)
        return self._registers(now)[0]

    @DR.on_read
    def _read_dr(self) -> int:
        if self.INITF:
            return self.DR
        now, self._frozen = self._frozen or self.now(), None
        return self._registers(now)[1]

    @SSR.on_read
    def _read_ssr(self) -> int:
        self._freeze(self._frozen or self.now())
        return self.PREDIV_S - self._calendar_ticks() % self._second // (self.PREDIV_A + 1)

    def _freeze(self, now: datetime) -> None:
        if not self.BYPSHAD:
            self._frozen = now

    # Writes

    def write(self, offset: int, size: int, value: int) -> None:
        """See Peripheral.write; protected registers need the key, the calendar INITF as well (section 26.3.5)."""
        place = offset & ~3
        protected = place < 0x50 and place not in UNPROTECTED and self._key < 2
        if not self.unlocked() or protected:
            self.ledger.illegal(self.name, place, "write to a protected register")
        elif place in INIT_ONLY and not self.INITF:
            self.ledger.illegal(self.name, place, "write to the calendar outside the initialisation mode")
        else:
            super().write(offset, size, value)

    @WPR.on_write
    def _unlock(self, written: int) -> None:
        self.WPR = 0
        self._key = 1 if written == KEYS[0] else 2 if self._key == 1 and written == KEYS[1] else 0

    @ISR.on_write
    def _write_isr(self, written: int) -> None:
        if self._key < 2:
            self.INIT = self.INITF
        elif self.INIT and not self.INITF:
            self._at("INITF", self._count() + SYNCHRONISATION, self._enter_init)
        elif self.INITF and not self.INIT:
            self._leave_init()
        if not self.RSF:
            self._synchronise("RSF")
        self._update()

    def _enter_init(self) -> None:
        if self.INIT:
            self.TR, self.DR = self._registers(self.now())
            self.INITF = 1

    def _leave_init(self) -> None:
        self._set(from_registers(self.TR, self.DR, bool(self.FMT)), self.DR >> 13 & 7)
        self.INITF = self.RSF = 0
        self.INITS = int(self.DR >> 16 & 0xFF != 0)
        self._frozen = None
        self._plan()

    def _synchronise(self, flag: str) -> None:
        if flag not in self._events or not self._events[flag].pending:
            self._at(flag, self._count() + SYNCHRONISATION, partial(setattr, self, flag, 1))

    @CR.on_write
    def _control(self, written: int) -> None:
        if written & 0x3_0000:  # ADD1H, SUB1H: summer time
            self._offset += (1 if written & 0x1_0000 else -1) * 3600 * self._second
            self.CR &= ~0x3_0000
        for enable, flag in (("WUTE", "WUTWF"), ("ALRAE", "ALRAWF"), ("ALRBE", "ALRBWF")):
            if getattr(self, enable):
                setattr(self, flag, 0)
            elif not getattr(self, flag):
                self._synchronise(flag)
        self._plan()
        self._update()

    @ALRMAR.on_write
    @ALRMBR.on_write
    @WUTR.on_write
    def _plan(self, _written: int = 0) -> None:
        """One event each for the alarms and the wake-up timer, as far as they are enabled."""
        for flag, enabled, register in (("ALRAF", self.ALRAE, self.ALRMAR), ("ALRBF", self.ALRBE, self.ALRMBR)):
            self._cancel(flag)
            if enabled and (when := next_alarm(self.now(), register, bool(self.FMT), self._shift)) is not None:
                self._at(flag, self._calendar_at(when) - self._offset, partial(self._expired, flag))
        self._cancel("WUTF")
        if not self.WUTE:
            self._wake_due = None
            return
        if self._wake_due is None or self._wake_due <= self._count():
            self._wake_due = (self._wake_due or self._count()) + self._wake_up_ticks()
        self._at("WUTF", self._wake_due, partial(self._expired, "WUTF"))

    def _wake_up_ticks(self) -> int:
        count = self.WUT + 1 + (0x1_0000 if self.WCKSEL >= 6 else 0)
        return count * (self._second if self.WCKSEL & 4 else 16 >> self.WCKSEL)

    def _expired(self, flag: str) -> None:
        setattr(self, flag, 1)
        self._plan()
        self._update()

    def _update(self) -> None:
        self.alarm_irq.set(self.CR & self.ISR << 4 & 0x3000)
        self.wkup_irq.set(self.WUTIE and self.WUTF)

    def _cancel(self, name: str) -> None:
        if name in self._events:
            self._events.pop(name).cancel()

    def _at(self, name: str, count: int, action: Action) -> None:
        """Do `action` when RTCCLK has counted to `count`; never while it has no source."""
        self._cancel(name)
        hz, _hclk = self._rate
        if hz:
            self._events[name] = self.clock.at(self.tree.cycles(self._tick + count - self._counted, hz), action)
