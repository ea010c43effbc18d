"""A Modbus slave made with pymodbus: unit 1 a noise meter and unit 2 a weather
station, with fixed values.

usage: slave.py rtu PORT | tcp TCPPORT
"""

import sys

from pymodbus.datastore import (
    ModbusServerContext,
    ModbusSlaveContext,
    ModbusSparseDataBlock,
)
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

# SONBEST SM7901B: holding register 0 is the sound level in 0.1 dB.
noise = ModbusSlaveContext(hr=ModbusSparseDataBlock({0: [536]}), zero_mode=True)

# Vaisala WXT530: input registers from 0x0000, signed tenths; 32767 is no value.
registers = {address: 0 for address in range(0x0000, 0x0080)}
registers.update({0x0A: 455, 0x0E: 10132, 0x12: 32767, 0x1F: 0x10000 - 37, 0x2A: 24})
weather = ModbusSlaveContext(
    ir=ModbusSparseDataBlock({a: [v] for a, v in registers.items()}), zero_mode=True
)

context = ModbusServerContext(slaves={1: noise, 2: weather}, single=False)
kind, where = sys.argv[1], sys.argv[2]
if kind == "rtu":
    StartSerialServer(
        context=context,
        framer=ModbusRtuFramer,
        port=where,
        baudrate=9600,
        parity="N",
        stopbits=1,
        timeout=0.05,
    )
else:
    StartTcpServer(context=context, address=("127.0.0.1", int(where)))
