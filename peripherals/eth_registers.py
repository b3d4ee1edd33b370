# SPDX-License-Identifier: GPL-2.0-or-later
"""The Ethernet block's registers (RM0090 section 33.8): MAC at +0, MMC at +0x100, PTP at +0x700, DMA at +0x1000.

A field whose name exists in several registers carries its register's name in front (DMABMR_SR, DMAOMR_SR).
"""

from __future__ import annotations

from typing import ClassVar

from stm32emu.peripherals.peripheral import Peripheral
from stm32emu.peripherals.register import RC_R, RC_W1, RO, RS, Register, RegisterArray


class EthRegisters(Peripheral):
    """The declarations only; `eth.Eth` gives them behaviour."""

    SIZE: ClassVar[int] = 0x1400

    # MAC (section 33.8.1)

    MACCR = Register(0x00, reset=0x0000_8000)
    RE = MACCR.field(2)
    TE = MACCR.field(3)
    DC = MACCR.tag("DC", 4)
    BL = MACCR.field(5, 2)  # no collision ever happens here, so BL, RD, ROD, CSD and IFG decide nothing
    APCS = MACCR.field(7)
    RD = MACCR.field(9)
    IPCO = MACCR.field(10)
    DM = MACCR.field(11)
    LM = MACCR.field(12)
    ROD = MACCR.field(13)
    FES = MACCR.field(14)
    CSD = MACCR.field(16)
    IFG = MACCR.field(17, 3)
    JD = MACCR.field(22)
    WD = MACCR.field(23)
    CSTF = MACCR.field(25)

    MACFFR = Register(0x04)
    PM = MACFFR.field(0)
    HU = MACFFR.field(1)
    HM = MACFFR.field(2)
    DAIF = MACFFR.field(3)
    PAM = MACFFR.field(4)
    BFD = MACFFR.field(5)
    PCF = MACFFR.field(6, 2)
    SAIF = MACFFR.field(8)
    SAF = MACFFR.field(9)
    HPF = MACFFR.field(10)
    RA = MACFFR.field(31)

    MACHTHR = Register(0x08)
    HTH = MACHTHR.field(0, 32)
    MACHTLR = Register(0x0C)
    HTL = MACHTLR.field(0, 32)

    MACMIIAR = Register(0x10)
    MB = MACMIIAR.field(0)  # cleared by the MAC; rc_w1 in the manual, which writes it to 1 to start an access
    MW = MACMIIAR.field(1)
    MACMIIAR_CR = MACMIIAR.field(2, 3)
    MR = MACMIIAR.field(6, 5)
    PA = MACMIIAR.field(11, 5)

    MACMIIDR = Register(0x14)
    MD = MACMIIDR.field(0, 16)

    MACFCR = Register(0x18)
    FCB = MACFCR.tag("FCB", 0)  # FCB/BPA in the manual
    TFCE = MACFCR.tag("TFCE", 1)
    RFCE = MACFCR.tag("RFCE", 2)
    UPFD = MACFCR.tag("UPFD", 3)
    PLT = MACFCR.field(4, 2)
    ZQPD = MACFCR.field(7)
    PT = MACFCR.field(16, 16)

    MACVLANTR = Register(0x1C)
    VLANTI = MACVLANTR.field(0, 16)
    VLANTC = MACVLANTR.field(16)

    MACRWUFFR = Register(0x28)
    WKUPFRM = MACRWUFFR.tag("WKUPFRM", 0, 32)

    MACPMTCSR = Register(0x2C)
    PD = MACPMTCSR.field(0, access=RS)
    MPE = MACPMTCSR.field(1)
    WFE = MACPMTCSR.field(2)
    MPR = MACPMTCSR.field(5, access=RC_R)
    WFR = MACPMTCSR.field(6, access=RC_R)
    GU = MACPMTCSR.field(9)
    WFFRPR = MACPMTCSR.tag("WFFRPR", 31)

    MACDBGR = Register(0x34, access=RO)
    MMRPEA = MACDBGR.field(0)
    MSFRWCS = MACDBGR.field(1, 2)
    RFWRA = MACDBGR.field(4)
    RFRCS = MACDBGR.field(5, 2)
    RFFL = MACDBGR.field(8, 2)
    MMTEA = MACDBGR.field(16)
    MTFCS = MACDBGR.field(17, 2)
    MTP = MACDBGR.field(19)
    TFRS = MACDBGR.field(20, 2)
    TFWA = MACDBGR.field(22)
    TFNE = MACDBGR.field(24)
    TFF = MACDBGR.field(25)

    MACSR = Register(0x38, access=RO)
    MACSR_PMTS = MACSR.field(3)
    MACSR_MMCS = MACSR.field(4)
    MMCRS = MACSR.field(5)
    MMCTS = MACSR.field(6)
    MACSR_TSTS = MACSR.field(9)

    MACIMR = Register(0x3C)
    PMTIM = MACIMR.field(3)
    TSTIM = MACIMR.field(9)

    MACA0HR = Register(0x40, reset=0x8000_FFFF)
    MACA0H = MACA0HR.field(0, 16)
    MO = MACA0HR.field(31, access=RO)
    MACA0LR = Register(0x44, reset=0xFFFF_FFFF)
    MACA0L = MACA0LR.field(0, 32)

    MACAHR = RegisterArray(0x48, 3, 8, reset=0x0000_FFFF)  # MACA1HR, MACA2HR, MACA3HR
    MACAH = MACAHR.field(0, 16)
    MBC = MACAHR.field(24, 6)
    SA = MACAHR.field(30)
    AE = MACAHR.field(31)
    MACALR = RegisterArray(0x4C, 3, 8, reset=0xFFFF_FFFF)  # MACA1LR, MACA2LR, MACA3LR
    MACAL = MACALR.field(0, 32)
    for _n in range(3):
        MACAHR.registers[_n].name, MACALR.registers[_n].name = f"MACA{_n + 1}HR", f"MACA{_n + 1}LR"
    del _n

    # MMC (section 33.8.2)

    MMCCR = Register(0x100)
    MMCCR_CR = MMCCR.field(0)
    CSR = MMCCR.field(1)
    ROR = MMCCR.tag("ROR", 2)
    MCF = MMCCR.field(3)
    MCP = MMCCR.field(4)
    MCFHP = MMCCR.field(5)

    MMCRIR = Register(0x104, access=RC_R)
    RFCES = MMCRIR.field(5)
    RFAES = MMCRIR.field(6)
    RGUFS = MMCRIR.field(17)

    MMCTIR = Register(0x108, access=RC_R)
    TGFSCS = MMCTIR.field(14)
    TGFMSCS = MMCTIR.field(15)
    TGFS = MMCTIR.field(21)

    MMCRIMR = Register(0x10C)
    RFCEM = MMCRIMR.field(5)
    RFAEM = MMCRIMR.field(6)
    RGUFM = MMCRIMR.field(17)

    MMCTIMR = Register(0x110)
    TGFSCM = MMCTIMR.field(14)
    TGFMSCM = MMCTIMR.field(15)
    TGFM = MMCTIMR.field(21)

    MMCTGFSCCR = Register(0x14C, access=RO)
    TGFSCC = MMCTGFSCCR.field(0, 32)
    MMCTGFMSCCR = Register(0x150, access=RO)
    TGFMSCC = MMCTGFMSCCR.field(0, 32)
    MMCTGFCR = Register(0x168, access=RO)
    TGFC = MMCTGFCR.field(0, 32)
    MMCRFCECR = Register(0x194, access=RO)
    RFCEC = MMCRFCECR.field(0, 32)
    MMCRFAECR = Register(0x198, access=RO)
    RFAEC = MMCRFAECR.field(0, 32)
    MMCRGUFCR = Register(0x1C4, access=RO)
    RGUFC = MMCRGUFCR.field(0, 32)

    # IEEE 1588 time stamps (section 33.8.3)

    PTPTSCR = Register(0x700, reset=0x0000_2000)
    TSE = PTPTSCR.field(0)
    TSFCU = PTPTSCR.field(1)
    TSSTI = PTPTSCR.field(2)
    TSSTU = PTPTSCR.field(3)
    TSITE = PTPTSCR.field(4)
    TTSARU = PTPTSCR.field(5)
    TSSARFE = PTPTSCR.field(8)
    TSSSR = PTPTSCR.field(9)
    TSPTPPSV2E = PTPTSCR.tag("TSPTPPSV2E", 10)
    TSSPTPOEFE = PTPTSCR.tag("TSSPTPOEFE", 11)
    TSSIPV6FE = PTPTSCR.tag("TSSIPV6FE", 12)
    TSSIPV4FE = PTPTSCR.tag("TSSIPV4FE", 13)
    TSSEME = PTPTSCR.tag("TSSEME", 14)
    TSSMRME = PTPTSCR.tag("TSSMRME", 15)
    TSCNT = PTPTSCR.tag("TSCNT", 16, 2)
    TSPFFMAE = PTPTSCR.tag("TSPFFMAE", 18)

    PTPSSIR = Register(0x704)
    STSSI = PTPSSIR.field(0, 8)

    PTPTSHR = Register(0x708, access=RO)
    STS = PTPTSHR.field(0, 32)
    PTPTSLR = Register(0x70C, access=RO)
    STSS = PTPTSLR.field(0, 31)
    STPNS = PTPTSLR.field(31)

    PTPTSHUR = Register(0x710)
    TSUS = PTPTSHUR.field(0, 32)
    PTPTSLUR = Register(0x714)
    TSUSS = PTPTSLUR.field(0, 31)
    TSUPNS = PTPTSLUR.field(31)

    PTPTSAR = Register(0x718)
    TSA = PTPTSAR.field(0, 32)
    PTPTTHR = Register(0x71C)
    TTSH = PTPTTHR.field(0, 32)
    PTPTTLR = Register(0x720)
    TTSL = PTPTTLR.field(0, 32)

    PTPTSSR = Register(0x728, access=RO)
    TSSO = PTPTSSR.field(0, access=RC_R)
    TSTTR = PTPTSSR.field(1, access=RC_R)

    PTPPPSCR = Register(0x72C)
    PPSFREQ = PTPPPSCR.tag("PPSFREQ", 0, 4)

    # DMA (section 33.8.4)

    DMABMR = Register(0x1000, reset=0x0002_0101)
    DMABMR_SR = DMABMR.field(0, access=RS)
    DA = DMABMR.field(1)  # arbitration and bursts: memory answers at once here, so they decide nothing
    DSL = DMABMR.field(2, 5)
    EDFE = DMABMR.field(7)
    PBL = DMABMR.field(8, 6)
    RTPR = DMABMR.field(14, 2)
    FB = DMABMR.field(16)
    RDP = DMABMR.field(17, 6)
    USP = DMABMR.field(23)
    FPM = DMABMR.field(24)
    AAB = DMABMR.field(25)
    DMABMR_MB = DMABMR.field(26)

    DMATPDR = Register(0x1004)
    TPD = DMATPDR.field(0, 32)
    DMARPDR = Register(0x1008)
    RPD = DMARPDR.field(0, 32)
    DMARDLAR = Register(0x100C)
    SRL = DMARDLAR.field(0, 32)
    DMATDLAR = Register(0x1010)
    STL = DMATDLAR.field(0, 32)

    DMASR = Register(0x1014, access=RC_W1)
    TS = DMASR.field(0)
    TPSS = DMASR.field(1)
    TBUS = DMASR.field(2)
    TJTS = DMASR.field(3)
    ROS = DMASR.field(4)
    TUS = DMASR.field(5)
    RS = DMASR.field(6)
    RBUS = DMASR.field(7)
    RPSS = DMASR.field(8)
    RWTS = DMASR.field(9)
    ETS = DMASR.field(10)
    FBES = DMASR.field(13)
    ERS = DMASR.field(14)
    AIS = DMASR.field(15)
    NIS = DMASR.field(16)
    RPS = DMASR.field(17, 3, access=RO)
    TPS = DMASR.field(20, 3, access=RO)
    EBS = DMASR.field(23, 3, access=RO)
    MMCS = DMASR.field(27, access=RO)
    PMTS = DMASR.field(28, access=RO)
    TSTS = DMASR.field(29, access=RO)

    DMAOMR = Register(0x1018)
    DMAOMR_SR = DMAOMR.field(1)
    OSF = DMAOMR.field(2)  # a fetch takes no time here, so operating on the second frame gains nothing
    RTC = DMAOMR.field(3, 2)
    FUGF = DMAOMR.field(6)
    FEF = DMAOMR.field(7)
    ST = DMAOMR.field(13)
    TTC = DMAOMR.field(14, 3)
    FTF = DMAOMR.field(20)
    TSF = DMAOMR.field(21)
    DFRF = DMAOMR.field(24)
    RSF = DMAOMR.field(25)
    DTCEFD = DMAOMR.field(26)

    DMAIER = Register(0x101C)
    TIE = DMAIER.field(0)
    TPSIE = DMAIER.field(1)
    TBUIE = DMAIER.field(2)
    TJTIE = DMAIER.field(3)
    ROIE = DMAIER.field(4)
    TUIE = DMAIER.field(5)
    RIE = DMAIER.field(6)
    RBUIE = DMAIER.field(7)
    RPSIE = DMAIER.field(8)
    RWTIE = DMAIER.field(9)
    ETIE = DMAIER.field(10)
    FBEIE = DMAIER.field(13)
    ERIE = DMAIER.field(14)
    AISE = DMAIER.field(15)
    NISE = DMAIER.field(16)

    DMAMFBOCR = Register(0x1020, access=RC_R)
    MFC = DMAMFBOCR.field(0, 16)
    OMFC = DMAMFBOCR.field(16)
    MFA = DMAMFBOCR.field(17, 11)
    OFOC = DMAMFBOCR.field(28)

    DMARSWTR = Register(0x1024)
    RSWTC = DMARSWTR.field(0, 8)

    DMACHTDR = Register(0x1048, access=RO)
    HTDAP = DMACHTDR.field(0, 32)
    DMACHRDR = Register(0x104C, access=RO)
    HRDAP = DMACHRDR.field(0, 32)
    DMACHTBAR = Register(0x1050, access=RO)
    HTBAP = DMACHTBAR.field(0, 32)
    DMACHRBAR = Register(0x1054, access=RO)
    HRBAP = DMACHRBAR.field(0, 32)
