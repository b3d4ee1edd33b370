# SPDX-License-Identifier: GPL-2.0-or-later
"""The error codes of mbedTLS's upper modules.

A part for each module, a line for each code: its magnitude in hexadecimal, and what it means, in versions 2 and 3 where
these differ, with a bar between them. Numbers are from mbedTLS's headers; the words are ours.
"""

from __future__ import annotations

HIGH = """
SSL
7f80 hardware acceleration failed
7f00 no memory
7e80 bad Finished message | session not in the cache
7e00 bad ChangeCipherSpec message
7d80 bad CertificateVerify message
7d00 ClientKeyExchange: the shared secret cannot be computed
7c80 ClientKeyExchange: the public value cannot be read | early data cannot be written
7c00 bad ClientKeyExchange message | early data received
7b80 bad ServerHelloDone message | early data cannot be read
7b00 bad ServerKeyExchange message | new session ticket received
7a80 bad CertificateRequest message
7a00 bad Certificate message
7980 bad ServerHello message
7900 bad ClientHello message
7880 the peer closed the connection (close_notify)
7800 the peer's certificate was not verified | unknown server name
7780 fatal alert from the peer
7700 unexpected message
7680 CA chain required, none set
7600 private key or pre-shared key required, none set
7580 own certificate required, none set | no common application protocol
7500 own certificate chain too large for the output buffer | unsupported extension
7480 no certificate from the client
7400 no random number generator set
7380 no common ciphersuite
7300 unknown ciphersuite | a message cannot be decoded
7280 end of the connection
7200 invalid record
7180 a record's authentication failed (bad MAC)
7100 bad input data
7080 feature unavailable
7000 computation in progress
6f80 hardware acceleration left it to software
6f00 compression failed
6e80 no common protocol version
6e00 bad NewSessionTicket message | handshake failure
6d80 session ticket expired
6d00 key type does not fit the ciphersuite
6c80 unknown pre-shared key identity
6c00 internal error
6b80 a counter would wrap
6b00 waiting for the ServerHello of a renegotiation
6a80 DTLS client must show its cookie
6a00 buffer too small
6980 no usable ciphersuite
6900 waiting for data to read
6880 waiting to write
6800 timeout
6780 the client connects anew from the same port
6700 unexpected record
6680 ignored, not fatal
6600 invalid hash to verify | illegal parameter
6580 more to process
6500 asynchronous operation in progress
6480 early message
6000 unexpected connection ID
5f00 protocol version mismatch
5e80 bad configuration

CIPHER
6400 hardware acceleration failed
6380 invalid context
6300 authentication failed
6280 input is no whole block
6200 invalid padding
6180 no memory
6100 bad input data
6080 feature unavailable

HKDF
5f80 bad input data

PKCS7
5880 certificate not valid at this date
5800 verification failed
5780 no memory
5700 bad input data
5680 invalid signer information
5600 invalid signature
5580 invalid certificate
5500 invalid algorithm
5480 invalid content information
5400 invalid version
5380 feature unavailable
5300 invalid format

MD
5280 hardware acceleration failed
5200 file error
5180 no memory
5100 bad input data
5080 feature unavailable

ECP
4f80 bad input data
4f00 buffer too small
4e80 feature unavailable, such as a curve
4e00 the signature is not valid
4d80 no memory
4d00 no usable random number for a key or blinding
4c80 invalid private or public key
4c00 signature shorter than its buffer says
4b80 hardware acceleration failed
4b00 computation in progress

RSA
4580 hardware acceleration failed
4500 unsupported operation
4480 random number generator failed
4400 output too large
4380 the signature is not valid
4300 private key operation failed
4280 public key operation failed
4200 key check failed
4180 key generation failed
4100 invalid padding
4080 bad input data

PK
3f80 no memory
3f00 type mismatch
3e80 bad input data
3e00 file error
3d80 unsupported key version
3d00 invalid key format
3c80 unknown key algorithm
3c00 password required
3b80 wrong password
3b00 invalid public key
3a80 invalid algorithm
3a00 unknown curve
3980 feature unavailable
3900 signature shorter than its buffer says
3880 hardware acceleration failed | buffer too small

DHM
3580 group cannot be set
3500 hardware acceleration failed
3480 file error
3400 no memory
3380 invalid format
3300 the shared secret cannot be computed
3280 the public value cannot be made
3200 the public value cannot be read
3180 parameters cannot be made
3100 parameters cannot be read
3080 bad input data

X509
3000 verification broke off
2980 buffer too small
2900 file error
2880 no memory
2800 bad input data
2780 unknown certificate format
2700 certificate not verified
2680 inner and outer signature algorithm differ
2600 unknown signature algorithm
2580 unknown version
2500 invalid extensions
2480 invalid signature
2400 invalid date
2380 invalid name
2300 invalid algorithm
2280 invalid serial number
2200 invalid version
2180 invalid format
2100 unknown object identifier
2080 feature unavailable

PKCS5
2f80 bad input data
2f00 invalid format
2e80 feature unavailable
2e00 wrong password

PKCS12
1f80 bad input data
1f00 feature unavailable
1e80 invalid format
1e00 wrong password

PEM
1480 bad input data
1400 feature unavailable
1380 wrong password
1300 password required
1280 unknown encryption
1200 invalid initialisation vector
1180 no memory
1100 invalid data
1080 no header or footer
"""
