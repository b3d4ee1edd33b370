# SPDX-License-Identifier: GPL-2.0-or-later
"""The Ethernet MAC with its DMA, MMC counters and time stamps (RM0090 chapter 33), as seen on the bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from stm32emu.peripherals import eth_dma as dma
from stm32emu.peripherals.clock import Clock, ClockTree
from stm32emu.peripherals.eth_block import MINIMUM
from stm32emu.peripherals.eth_mmc import EthCounters
from stm32emu.peripherals.eth_phy import Phy
from stm32emu.peripherals.eth_ptp import EthTime
from stm32emu.peripherals.eth_receive import EthReceiver
from stm32emu.peripherals.eth_registers import EthRegisters as R
from stm32emu.peripherals.eth_transmit import EthTransmitter
from stm32emu.peripherals.irq import IrqLine
from stm32emu.peripherals.ledger import NO_LEDGER, Ledger
from stm32emu.peripherals.memory import BusError, Memory

MDC_DIVIDERS = (42, 62, 16, 26, 102, 102, 102, 102)  # HCLK cycles per MDC cycle, by MACMIIAR.CR
MDIO_BITS = 64
RESET_TICKS = 64  # of the 50 MHz reference clock: a few crossings between the clock domains

NORMAL = R.TS.mask | R.TBUS.mask | R.RS.mask | R.ERS.mask
ABNORMAL = (
    R.TPSS.mask | R.TJTS.mask | R.ROS.mask | R.TUS.mask | R.RBUS.mask | R.RPSS.mask | R.RWTS.mask | R.ETS.mask
    | R.FBES.mask
)  # fmt: skip
SUMMARIES = R.NIS.mask | R.AIS.mask
# bits of MACSR that DMASR shows, too
MIRRORED = (
    (R.MACSR_MMCS.mask, R.MMCS.mask),
    (R.MACSR_PMTS.mask, R.PMTS.mask),
    (R.MACSR_TSTS.mask, R.TSTS.mask),
)
MAC_SOURCES = R.MACSR_MMCS.mask | R.MACSR_PMTS.mask | R.MACSR_TSTS.mask
DERIVED = SUMMARIES | R.MMCS.mask | R.PMTS.mask | R.TSTS.mask


class Eth(EthTransmitter, EthReceiver, EthCounters, EthTime):
    """The block with all four register groups.

    Frames pass in (`receive`) and out as bytes from the destination address to the end of the payload, without FCS, at
    the pace of the wire.

    Args:
        irq: the ETH interrupt; wkup_irq: the wake-up event (EXTI line 19).
        memory: what the DMA reaches (not CCM).
        phy: the PHY on the MDIO bus, whose link decides on the speed of the wire.
        on_frame: takes each frame that leaves.
    """

    MISSING: ClassVar[str] = (
        "PAUSE frames and back-pressure, remote wake-up frame filters, half-duplex collisions, PTP message filters and "
        "PPS output, MMC reset on read"
    )

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        tree: ClockTree,
        irq: IrqLine,
        wkup_irq: IrqLine,
        memory: Memory,
        phy: Phy,
        on_frame: Callable[[bytes], None],
        ledger: Ledger = NO_LEDGER,
    ) -> None:
        super().__init__(name, clock=clock, tree=tree, memory=memory, phy=phy, ledger=ledger)
        self.irq = irq
        self.wkup_irq = wkup_irq
        self.on_frame = on_frame
        self._clear()

    def reset(self) -> None:
        """Power-on, RCC reset, or DMABMR.SR."""
        super().reset()
        self._clear()

    def _clear(self) -> None:
        super()._clear()
        self._after("reset", self.tree.cycles(RESET_TICKS, 50_000_000), self._reset_done)
        self._update()

    def _reset_done(self) -> None:
        self.DMABMR_SR = 0

    @R.DMABMR.on_write
    def _bus_mode(self, written: int) -> None:
        if written & R.DMABMR_SR.mask:
            self.reset()

    @R.DMAOMR.on_write
    def _operation_mode(self, _written: int) -> None:
        if self.FTF:
            self._flush()
        self._tx.switch(bool(self.ST))
        self._rx.switch(bool(self.DMAOMR_SR))
        self._update()

    def _bus_error(self, access: int, error: BusError) -> None:
        """Fatal: both engines stop until a reset (section 33.6.2, "Host bus error")."""
        self._illegal(R.DMASR, f"the Ethernet DMA cannot reach {error.address:#010x}")
        self._tx.die()
        self._rx.die()
        self.FBES, self.EBS, self.TPS, self.RPS = 1, access, dma.STOPPED, dma.STOPPED
        self._update()

    @R.DMAIER.on_write
    @R.DMASR.on_write
    @R.MACIMR.on_write
    @R.MMCRIMR.on_write
    @R.MMCTIMR.on_write
    def _masked_or_cleared(self, _written: int) -> None:
        self._update()

    def _update(self) -> None:
        """A summary bit is the OR of its group's enabled bits, and goes with the last of them (section 33.6.9). The
        enable bits in DMAIER and the masks in MACIMR lie where their flags do."""
        mac, enabled = self._mac_status(), self.DMAIER
        status = self.DMASR & ~DERIVED
        if status & enabled & NORMAL:
            status |= R.NIS.mask
        if status & enabled & ABNORMAL:
            status |= R.AIS.mask
        for theirs, ours in MIRRORED:
            if mac & theirs:
                status |= ours
        self.MACSR, self.DMASR = mac, status
        self.irq.set(status & enabled & SUMMARIES or mac & ~self.MACIMR & MAC_SOURCES)
        self.wkup_irq.set(mac & R.MACSR_PMTS.mask)

    def _mac_status(self) -> int:
        """MACSR, from the sources that lie in other registers."""
        status = 0
        if self.MMCRIR & ~self.MMCRIMR:
            status |= R.MMCRS.mask | R.MACSR_MMCS.mask
        if self.MMCTIR & ~self.MMCTIMR:
            status |= R.MMCTS.mask | R.MACSR_MMCS.mask
        if self.MACPMTCSR & (R.MPR.mask | R.WFR.mask):
            status |= R.MACSR_PMTS.mask
        return status | (R.MACSR_TSTS.mask if self.PTPTSSR & R.TSTTR.mask else 0)

    @R.MACMIIAR.on_write
    def _mdio_start(self, _written: int) -> None:
        """An access on the management bus takes 64 periods of MDC (section 33.4.1)."""
        if self._waits_for("mdio"):
            self.MB = 1
            self._illegal(R.MACMIIAR, "MACMIIAR written while an access is under way (MB = 1)")
        elif self.MB:
            self._after("mdio", MDIO_BITS * MDC_DIVIDERS[self.MACMIIAR_CR], self._mdio_done)

    def _mdio_done(self) -> None:
        if self.MW:
            self.phy.write(self.PA, self.MR, self.MD)
        else:
            self.MD = self.phy.read(self.PA, self.MR)
        self.MB = 0

    @R.MACPMTCSR.on_read
    def _read_power_management(self) -> int:
        return self._read_and_clear(R.MACPMTCSR, R.MPR, R.WFR)

    @R.MACDBGR.value
    def _debug(self) -> int:
        """The states of the MAC and its FIFOs, those of them that last."""
        sending, fill = self._sending is not None, self._rx.fill
        self.MMTEA, self.MTFCS, self.TFRS = sending, 3 * sending, sending
        self.TFNE = sending or self._held is not None
        self.RFFL = 0 if not fill else 3 if fill > dma.FIFO_BYTES - MINIMUM else 2
        return self.MACDBGR
