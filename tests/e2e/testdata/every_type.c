/*
 * A Modbus slave made with libmodbus, unit 1, that holds what a plan says. A
 * line of the plan is function, address, type, order and value. Bytes are
 * those of this machine's own numbers: libmodbus has helpers for floats, but those
 * of 3.1.6 name the orders the other way round on machines with low bytes first.
 *
 * usage: every_type rtu PORT | tcp TCPPORT  <PLAN
 */
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CELLS 4096

static modbus_mapping_t *map;

/* put writes the words of v, the highest first, and then turns round what the
 * order says. */
static void put(uint16_t *at, int words, uint64_t v, const char *order)
{
	int low_first = !strcmp(order, "CDAB") || !strcmp(order, "DCBA");
	int swapped = !strcmp(order, "BADC") || !strcmp(order, "DCBA");

	for (int i = 0; i < words; i++) {
		uint16_t w = v >> 16 * (words - 1 - i);
		if (swapped)
			w = w << 8 | w >> 8;
		at[low_first ? words - 1 - i : i] = w;
	}
}

static void hold(int function, int address, const char *type, const char *order, const char *value)
{
	uint16_t *at = (function == 3 ? map->tab_registers : map->tab_input_registers) + address;
	int width = atoi(type + strcspn(type, "0123456789"));

	if (!strcmp(type, "bit")) {
		(function == 1 ? map->tab_bits : map->tab_input_bits)[address] = atoi(value);
	} else if (!strcmp(type, "string")) {
		for (size_t i = 0; i < strlen(value); i += 2)
			put(at + i / 2, 1, (uint64_t)(unsigned char)value[i] << 8 | (unsigned char)value[i + 1], order);
	} else if (!strcmp(type, "bits")) {
		put(at, strlen(value) / 4, strtoull(value, NULL, 16), order);
	} else if (!strcmp(type, "float32")) {
		float f = strtof(value, NULL);
		uint32_t v;
		memcpy(&v, &f, sizeof v);
		put(at, 2, v, order);
	} else if (!strcmp(type, "float64")) {
		double d = strtod(value, NULL);
		uint64_t v;
		memcpy(&v, &d, sizeof v);
		put(at, 4, v, order);
	} else if (type[0] == 'i') {
		put(at, width / 16, (uint64_t)strtoll(value, NULL, 10), order);
	} else {
		put(at, width / 16, strtoull(value, NULL, 10), order);
	}
}

/* serve answers until the other end leaves. */
static void serve(modbus_t *ctx)
{
	uint8_t question[MODBUS_TCP_MAX_ADU_LENGTH];
	int n;

	while ((n = modbus_receive(ctx, question)) >= 0)
		if (n > 0)
			modbus_reply(ctx, question, n, map);
}

int main(int argc, char **argv)
{
	char line[256], type[16], order[8], value[200];
	int function, address, listener;
	modbus_t *ctx;

	map = modbus_mapping_new(CELLS, CELLS, CELLS, CELLS);
	if (argc != 3 || map == NULL)
		return 2;
	while (fgets(line, sizeof line, stdin) != NULL) {
		memset(value, 0, sizeof value);
		if (sscanf(line, "%d %d %15s %7s %190[^\n]", &function, &address, type, order, value) != 5 || address + 64 > CELLS)
			return 2;
		hold(function, address, type, order, value);
	}
	if (!strcmp(argv[1], "rtu")) {
		ctx = modbus_new_rtu(argv[2], 19200, 'N', 8, 1);
		if (ctx == NULL || modbus_set_slave(ctx, 1) || modbus_connect(ctx)) {
			perror(argv[2]);
			return 1;
		}
		for (;;) { /* a damaged question ends serve, and not the slave */
			serve(ctx);
			usleep(10000);
		}
	}
	ctx = modbus_new_tcp("127.0.0.1", atoi(argv[2]));
	listener = ctx == NULL ? -1 : modbus_tcp_listen(ctx, 1);
	while (listener >= 0 && modbus_tcp_accept(ctx, &listener) >= 0) {
		serve(ctx);
		modbus_close(ctx);
	}
	perror(argv[2]);
	return 1;
}
