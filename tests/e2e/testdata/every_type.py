"""A Modbus slave made with pymodbus, unit 1, that holds what a plan says. A line of
the plan is function, address, type, order and value. Bytes are python's struct's.

usage: every_type.py rtu PORT | tcp TCPPORT  <PLAN
"""

import struct
import sys

from pymodbus.datastore import (
    ModbusServerContext,
    ModbusSlaveContext,
    ModbusSparseDataBlock,
)
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

LETTERS = {
    "uint16": "H", "int16": "h", "uint32": "I", "int32": "i",
    "uint64": "Q", "int64": "q", "float32": "f", "float64": "d",
}


def words(kind, order, value):
    if kind == "string":
        raw = value.encode("ascii")
        raw += b"\0" * (len(raw) % 2)
    elif kind == "bits":  # of a float or an integer, as they are
        raw = bytes.fromhex(value)
    elif kind.startswith("float"):
        raw = struct.pack(">" + LETTERS[kind], float(value))
    else:
        raw = struct.pack(">" + LETTERS[kind], int(value))
    pairs = [raw[i : i + 2] for i in range(0, len(raw), 2)]
    if order in ("CDAB", "DCBA") and kind != "string":
        pairs.reverse()
    if order in ("BADC", "DCBA"):
        pairs = [p[::-1] for p in pairs]
    return [struct.unpack(">H", p)[0] for p in pairs]


tables = {1: {}, 2: {}, 3: {}, 4: {}}
for line in sys.stdin:
    function, address, kind, order, value = line.rstrip("\n").split(" ", 4)
    held = [int(value)] if kind == "bit" else words(kind, order, value)
    for i, word in enumerate(held):
        tables[int(function)][int(address) + i] = [word]

block = {f: ModbusSparseDataBlock(t) for f, t in tables.items()}
context = ModbusServerContext(
    slaves={1: ModbusSlaveContext(co=block[1], di=block[2], hr=block[3], ir=block[4], zero_mode=True)},
    single=False,
)
kind, where = sys.argv[1], sys.argv[2]
if kind == "rtu":
    StartSerialServer(
        context=context, framer=ModbusRtuFramer, port=where, baudrate=19200, parity="N", stopbits=1, timeout=0.05
    )
else:
    StartTcpServer(context=context, address=("127.0.0.1", int(where)))
