# SPDX-License-Identifier: GPL-2.0-or-later
"""The error codes of mbedTLS's lower modules, such as ciphers, hashes, bignums and ASN.1.

A part for each module, a line for each code: its magnitude in hexadecimal, and what it means, in versions 2 and 3 where
these differ, with a bar between them. Numbers are from mbedTLS's headers; the words are ours.
"""

from __future__ import annotations

LOW = """
CMAC
7a hardware acceleration failed

SHA3
76 bad input data

SHA512
75 bad input data
39 hardware acceleration failed

SHA256
74 bad input data
37 hardware acceleration failed

SHA1
73 bad input data
35 hardware acceleration failed

PLATFORM
72 feature unsupported
70 hardware acceleration failed

ERROR
6e corruption detected
01 generic error

ASN1
6c buffer too small
6a no memory
68 invalid data
66 length mismatch
64 invalid length
62 unexpected tag
60 out of data

ARIA
5e invalid input length
5c bad input data
5a feature unavailable
58 hardware acceleration failed

POLY1305
5b hardware acceleration failed
59 feature unavailable
57 bad input data

CHACHAPOLY
56 authentication failed
54 bad state

CHACHA20
55 hardware acceleration failed
53 feature unavailable
51 bad input data

NET
52 unknown host
50 connection reset by the peer
4e send failed
4c receive failed
4a accept failed
49 bad input data
48 listen failed
47 poll failed
46 bind failed
45 invalid context
44 connect failed
43 buffer too small
42 no socket

ENTROPY
40 no sources
3f file error
3e too many sources
3d no strong source
3c a source failed

CTR_DRBG
3a file error
38 input too big
36 request too big
34 the entropy source failed

DES
33 hardware acceleration failed
32 invalid input length

RIPEMD160
31 hardware acceleration failed

PADLOCK
30 data not aligned

MD5
2f hardware acceleration failed

OID
2e not found
0b buffer too small

MD4
2d hardware acceleration failed

BASE64
2c invalid character
2a buffer too small

MD2
2b hardware acceleration failed

XTEA
29 hardware acceleration failed
28 invalid input length

CAMELLIA
27 hardware acceleration failed
26 invalid input length
24 bad input data

AES
25 hardware acceleration failed
23 feature unavailable
22 invalid input length
21 bad input data
20 invalid key length

THREADING
1e mutex error
1c bad input data
1a feature unavailable

ARC4
19 hardware acceleration failed |

BLOWFISH
18 invalid input length
17 hardware acceleration failed |
16 bad input data |

LMS
19 | buffer too small
17 | no memory
15 verification failed
13 | out of private keys
11 | bad input data

GCM
16 | buffer too small
14 bad input data
13 hardware acceleration failed |
12 authentication failed

CCM
11 hardware acceleration failed |
0f authentication failed
0d bad input data

MPI
10 no memory
0e not acceptable
0c division by zero
0a negative value
08 buffer too small
06 invalid character
04 bad input data
02 file error

HMAC_DRBG
09 the entropy source failed
07 file error
05 input too big
03 request too big
"""
