package main

import "fmt"

// sum is the check sum of HJ 212-2017, appendix A: each byte is laid over the
// high half of the register, whose low half is lost.
func sum(data string) uint16 {
	reg := uint16(0xFFFF)
	for i := range len(data) {
		reg = shift(reg>>8 ^ uint16(data[i]))
	}
	return reg
}

// modbus is the check sum that the standard's is taken for.
func modbus(data string) uint16 { return reflected(0xFFFF, data) }

// reflected is the ordinary CRC with that polynomial: CRC-16/MODBUS from FFFF,
// CRC-16/ARC from 0.
func reflected(reg uint16, data string) uint16 {
	for i := range len(data) {
		reg = shift(reg ^ uint16(data[i]))
	}
	return reg
}

func shift(reg uint16) uint16 {
	for range 8 {
		odd := reg & 1
		reg >>= 1
		if odd == 1 {
			reg ^= 0xA001
		}
	}
	return reg
}

// ccitt is CRC-16/CCITT-FALSE from FFFF, CRC-16/XMODEM from 0.
func ccitt(reg uint16, data string) uint16 {
	for i := range len(data) {
		reg ^= uint16(data[i]) << 8
		for range 8 {
			odd := reg >> 15
			reg <<= 1
			if odd == 1 {
				reg ^= 0x1021
			}
		}
	}
	return reg
}

func swapped(crc uint16) uint16 { return crc<<8 | crc>>8 }

func hex(crc uint16) string { return fmt.Sprintf("%04X", crc) }
