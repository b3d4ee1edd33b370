# SPDX-License-Identifier: GPL-2.0-or-later
"""The transmit half of the Ethernet block: from the DMA through checksum insertion and padding to the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stm32emu.peripherals import eth_checksum as offload
from stm32emu.peripherals import eth_descriptors as d
from stm32emu.peripherals import eth_dma as dma
from stm32emu.peripherals.eth_block import FCS, LONGEST, MINIMUM, EthBlock, frame_check_sequence
from stm32emu.peripherals.eth_registers import EthRegisters as R


class Sending(NamedTuple):
    """A frame on its way out: `status` is what TDES0 will report, `fate` why nobody will take the frame, if so."""

    frame: bytes
    control: int
    status: int
    fate: str


class EthTransmitter(EthBlock):
    """Sends one frame at a time; its descriptor is closed when the last bit is out (RM0090 sections 33.5.2, 33.6.5)."""

    on_frame: Callable[[bytes], None]

    def _clear(self) -> None:
        super()._clear()
        self._tx = dma.TxDma(self, self._memory, self._bus_error, self._transmit)
        self._held: tuple[bytes, int] | None = None  # waits for MACCR.TE
        self._sending: Sending | None = None

    @R.DMATDLAR.on_write
    def _tx_list(self, _written: int) -> None:
        if self._tx.on:
            self._illegal(R.DMATDLAR, "DMATDLAR written while the transmit DMA is running")
        self._tx.list.restart(self.DMATDLAR)

    @R.DMATPDR.on_write
    def _tx_poll(self, _written: int) -> None:
        self._tx.poll()
        self._update()

    @R.MACCR.on_write
    def _configured(self, _written: int) -> None:
        if self.TE and self._held is not None:
            held, self._held = self._held, None
            self._transmit(*held)

    def _transmit(self, data: bytes, control: int) -> None:
        """A whole frame is in the FIFO, where it waits for the transmitter to be enabled. `control` is TDES0."""
        if not self.TE:
            self._held = data, control
            return
        inserted = self._insert_checksums(data, control)
        status = (inserted.header_error and d.IHE) | (inserted.payload_error and d.IPE)
        frame, fate = self._frame(inserted.frame, control)
        self._sending = Sending(frame, control, status, fate)
        self._after("transmit", self._wire_time(frame, 100 if self.FES else 10), self._sent)

    def _insert_checksums(self, data: bytes, control: int) -> offload.Insertion:
        """Section 33.5.2, "Transmit checksum offload": only in store-and-forward mode."""
        insertion = control >> d.CIC_SHIFT & 3
        if insertion and not self.TSF:
            self._illegal(R.DMAOMR, "TDES0.CIC has no effect without store-and-forward (DMAOMR.TSF)")
            return offload.Insertion(data)
        result = offload.insert(data, insertion)
        if result.stale_icmp:
            self._illegal(R.DMAOMR, "ICMP checksum field not 0 in a frame with checksum insertion (TDES0.CIC)")
        return result

    def _frame(self, data: bytes, control: int) -> tuple[bytes, str]:
        """Padding and FCS (TDES0.DP and DC): the frame without FCS, and why nobody would take it, if so."""
        if len(data) < MINIMUM and not control & d.DP:
            return data.ljust(MINIMUM, b"\0"), ""
        fate = ""
        if control & d.DC:
            data, fcs = data[:-FCS], data[-FCS:]
            fate = "" if fcs == frame_check_sequence(data) else "sent with a bad FCS"
        if len(data) < MINIMUM:
            fate = "sent shorter than 64 bytes"
        return data, "sent longer than 2048 bytes" if len(data) > LONGEST else fate

    def _sent(self) -> None:
        """The last bit is out: deliver the frame, and write its status back to its descriptor."""
        assert self._sending is not None
        frame, control, status, fate = self._sending
        self._sending = None
        self._deliver(frame, fate)
        self._count(R.MMCTGFCR, R.TGFS)
        stamp = self._stamp() if control & d.TTSE and self.TSE else None
        status |= (d.TX_ES if status else 0) | (d.TTSS if stamp else 0)
        self._tx.close(status, stamp)
        self._update()

    def _deliver(self, frame: bytes, fate: str) -> None:
        link = self.phy.link
        if fate:
            self._drop(fate)
        elif self.LM or self.phy.loopback:
            self._enqueue(frame, False)
        elif link is None:
            self._drop("sent without a link")
        else:
            if link.mbit != (100 if self.FES else 10):
                self._illegal(R.MACCR, f"MACCR.FES does not fit the link's {link.mbit} Mbit/s")
            self.on_frame(frame)

    def _flush(self) -> None:
        """DMAOMR.FTF: a frame in the transmit FIFO is given up."""
        self.FTF = 0
        if self._held or self._sending:
            self._cancel("transmit")
            self._held = self._sending = None
            self._drop("flushed from the transmit FIFO")
            self._tx.close(d.FF | d.TX_ES)
