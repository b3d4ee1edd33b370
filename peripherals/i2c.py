# SPDX-License-Identifier: GPL-2.0-or-later
"""I2C as a master (RM0090 chapter 27): start, address, bytes and stop, each in its time, with devices by address."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Protocol

from stm32emu.peripherals.clock import Action, Clock, ClockTree, Event
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_W0, RO, Register

BYTE_BITS = 9  # eight and the acknowledge
ERRORS = 0xDF00
EVENTS = 0x001F  # SB, ADDR, BTF, ADD10, STOPF


class I2cDevice(Protocol):
    """A slave. Each transfer is `start`, then bytes one way, then `stop` (or another `start`)."""

    def start(self, read: bool) -> bool:
        """Addressed, for a read or a write; the acknowledge."""

    def write(self, byte: int) -> bool:
        """A byte from the master; the acknowledge."""

    def read(self) -> int:
        """A byte for the master."""

    def stop(self) -> None:
        """The transfer is over."""


class I2c(Peripheral):
    """One I2C. Where no device answers, the address is not acknowledged (AF).

    Args:
        ev_irq, er_irq: the event and the error interrupt.
    """

    MISSING: ClassVar[str] = "slave mode, SMBus and packet error checking"

    CR1 = Register(0x00)
    SWRST = CR1.field(15)
    CR1.tag("ALERT", 13)
    CR1.tag("PEC", 12)
    POS = CR1.field(11)
    ACK = CR1.field(10)
    STOP = CR1.field(9)
    START = CR1.field(8)
    NOSTRETCH = CR1.field(7)
    ENGC = CR1.field(6)
    CR1.tag("ENPEC", 5)
    CR1.tag("ENARP", 4)
    CR1.tag("SMBTYPE", 3)
    CR1.tag("SMBUS", 1)
    PE = CR1.field(0)

    CR2 = Register(0x04)
    LAST = CR2.field(12)
    DMAEN = CR2.field(11)
    ITBUFEN = CR2.field(10)
    ITEVTEN = CR2.field(9)
    ITERREN = CR2.field(8)
    FREQ = CR2.field(0, 6)

    OAR1 = Register(0x08)  # own addresses: no other master calls
    ADDMODE = OAR1.field(15)
    OAR1_ADD10 = OAR1.field(8, 2)
    ADD7 = OAR1.field(1, 7)
    ADD0 = OAR1.field(0)
    OAR2 = Register(0x0C)
    ADD2 = OAR2.field(1, 7)
    ENDUAL = OAR2.field(0)

    DR = Register(0x10)
    DR_DR = DR.field(0, 8)

    SR1 = Register(0x14, noted=True)
    SMBALERT = SR1.field(15, access=RC_W0)
    TIMEOUT = SR1.field(14, access=RC_W0)
    PECERR = SR1.field(12, access=RC_W0)
    OVR = SR1.field(11, access=RC_W0)
    AF = SR1.field(10, access=RC_W0)
    ARLO = SR1.field(9, access=RC_W0)
    BERR = SR1.field(8, access=RC_W0)
    TxE = SR1.field(7, access=RO)
    RxNE = SR1.field(6, access=RO)
    STOPF = SR1.field(4, access=RO)
    SR1_ADD10 = SR1.field(3, access=RO)
    BTF = SR1.field(2, access=RO)
    ADDR = SR1.field(1, access=RO)
    SB = SR1.field(0, access=RO)

    SR2 = Register(0x18, access=RO)
    SR2_PEC = SR2.field(8, 8)
    DUALF = SR2.field(7)
    SMBHOST = SR2.field(6)
    SMBDEFAULT = SR2.field(5)
    GENCALL = SR2.field(4)
    TRA = SR2.field(2)
    BUSY = SR2.field(1)
    MSL = SR2.field(0)

    CCR = Register(0x1C)
    F_S = CCR.field(15)
    DUTY = CCR.field(14)
    CCR_CCR = CCR.field(0, 12)
    TRISE = Register(0x20, reset=0x02)
    TRISE_TRISE = TRISE.field(0, 6)
    FLTR = Register(0x24)
    ANOFF = FLTR.field(4)
    DNF = FLTR.field(0, 4)

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        ev_irq: IrqLine,
        er_irq: IrqLine,
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, ledger=ledger)
        self.clock = clock
        self.tree = tree
        self.ev_irq = ev_irq
        self.er_irq = er_irq
        self.dma_tx = IrqLine()
        self.dma_rx = IrqLine()
        self.devices: dict[int, I2cDevice] = {}
        self._busy: Event | None = None
        self._power_on()

    def _power_on(self) -> None:
        self._device: I2cDevice | None = None  # the one addressed
        self._dr = 0  # TDR or RDR
        self._shifted_in: int | None = None  # a byte received while DR was still full
        self._addressing = False  # SB was answered: the next byte is an address
        self._reading = False  # receiving goes on: the last byte was acknowledged
        self._first = False
        self.note(I2c.SR1, 0)

    def attach(self, address: int, device: I2cDevice) -> None:
        """Put `device` on the bus at its 7-bit `address`."""
        self.devices[address] = device

    def reset(self) -> None:
        """A transfer under way is dropped."""
        super().reset()
        self._abort()

    def _abort(self) -> None:
        if self._busy is not None:
            self._busy.cancel()
            self._busy = None
        self._power_on()
        self._update()

    def _after(self, bits: int, action: Action) -> None:
        """Do `action` when `bits` have passed on the wire (section 27.6.8)."""
        high_and_low = (25 if self.DUTY else 3) if self.F_S else 2
        if not self.CCR_CCR:
            self.ledger.illegal(self.name, 0x1C, "CCR of 0")
        self._busy = self.clock.after(
            self.tree.cycles(bits * high_and_low * max(1, self.CCR_CCR), self.tree.pclk1), partial(self._done, action)
        )

    def _done(self, action: Action) -> None:
        self._busy = None
        action()
        self._go_on()
        self._update()

    @SR1.on_write
    @CR2.on_write
    def _update(self, _written: int = 0) -> None:
        sr1 = self.SR1
        buffer = self.ITBUFEN and sr1 & 0xC0
        self.ev_irq.set(self.ITEVTEN and (sr1 & EVENTS or buffer))
        self.er_irq.set(self.ITERREN and sr1 & ERRORS)
        self.dma_rx.set(self.DMAEN and self.RxNE)
        self.dma_tx.set(self.DMAEN and self.TxE)

    @CR1.on_write
    def _control(self, _written: int) -> None:
        if self.SWRST:
            self._load_resets()
            self.SWRST = 1
            self._abort()
        elif not self.PE:
            self.STOP = self.START = 0
            self.SR1 = self.SR2 = 0
            self._abort()
        else:
            self._go_on()
            self._update()

    @SR2.on_read
    def _read_sr2(self) -> int:
        """After SR1 with ADDR this clears ADDR, and the data phase begins (section 27.3.3)."""
        value = self.SR2
        if self.noted(I2c.SR1) & self.SR1 & I2c.ADDR.mask:
            self.ADDR = 0
            if self.TRA:
                self.TxE = 1
            else:
                self._reading = self._first = True
            self._go_on()
            self._update()
        return value

    @DR.on_write
    def _write_dr(self, written: int) -> None:
        self._dr = written & 0xFF
        if self.SB:
            self.SB = 0
            self._addressing = True
        else:
            self.TxE = self.BTF = 0
        self._go_on()
        self._update()

    @DR.on_read
    def _read_dr(self) -> int:
        value = self._dr
        self.RxNE = self.BTF = 0
        if self._shifted_in is not None:
            self._dr, self._shifted_in = self._shifted_in, None
            self.RxNE = 1
        self._go_on()
        self._update()
        return value

    # The wire: one thing at a time

    def _go_on(self) -> None:
        """Begin what is due next, if the wire is free: an address, a byte out, a stop, a start, a byte in."""
        if self._busy is not None or not self.PE or self.SB or self.ADDR:
            return
        if self._addressing:
            self._after(BYTE_BITS, self._address)
        elif self.TRA and not self.TxE and not self.AF:
            byte, self.TxE = self._dr, 1
            self._after(BYTE_BITS, partial(self._send, byte))
        elif self.MSL and self._reading and (self._first or not (self.STOP or self.START)):
            if self._shifted_in is None:
                self._after(BYTE_BITS, self._receive)
        elif self.STOP and self.MSL:
            self._after(1, self._stop)
        elif self.START:
            self._after(1, self._start)

    def _start(self) -> None:
        self.START = 0
        self.SB = self.MSL = self.BUSY = 1
        self.TxE = self.BTF = self.TRA = 0
        self._reading = False

    def _stop(self) -> None:
        self.STOP = 0
        self.MSL = self.BUSY = self.TRA = 0
        self.TxE = 0
        self.BTF = 0
        self._reading = False
        if self._device is not None:
            self._device.stop()
            self._device = None

    def _address(self) -> None:
        self._addressing = False
        read = bool(self._dr & 1)
        self._device = self.devices.get(self._dr >> 1)
        if self._device is not None and self._device.start(read):
            self.ADDR, self.TRA = 1, not read
        else:
            self._device = None
            self.AF = 1

    def _send(self, byte: int) -> None:
        if self._device is not None and not self._device.write(byte):
            self.AF = 1
        elif self.TxE:
            self.BTF = 1

    def _receive(self) -> None:
        """A byte in; ACK decides whether another follows, with POS from the second on (section 27.3.3)."""
        byte = self._device.read() & 0xFF if self._device is not None else 0xFF
        self._reading = bool(self.ACK or (self.POS and self._first))
        self._first = False
        if self.RxNE:
            self._shifted_in = byte
            self.BTF = 1
        else:
            self._dr = byte
            self.RxNE = 1
