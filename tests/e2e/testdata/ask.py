"""Asks a serial unit for registers with any function that reads like 3, and
prints them as mbpoll does. The checksum is pymodbus'.

usage: ask.py PORT UNIT FUNCTION ADDRESS QUANTITY
"""

import struct
import sys

import serial
from pymodbus.utilities import checkCRC, computeCRC

port = sys.argv[1]
unit, function, address, quantity = map(int, sys.argv[2:])
question = struct.pack(">BBHH", unit, function, address, quantity)
with serial.Serial(port, 115200, timeout=10) as line:
    line.write(question + struct.pack(">H", computeCRC(question)))
    answer = line.read(5 + 2 * quantity)
body, sent = answer[:-2], struct.unpack(">H", answer[-2:])[0]
if not checkCRC(body, sent) or body[:3] != bytes([unit, function, 2 * quantity]):
    sys.exit("answer is " + answer.hex(" "))
for i, word in enumerate(struct.unpack(">%dH" % quantity, body[3:])):
    print("[%d]: 0x%04X" % (address + i, word))
