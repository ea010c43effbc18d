package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/simonvetter/modbus"
)

// This is the one file that imports the network client, which speaks tcp,
// tcp+tls and udp; for rtuovertcp see stream.go. What is known of it: it does
// not reconnect; its time-out is fixed when it connects; without a logger it
// prints to standard output; it cannot be interrupted.

// missLimit is how many questions in a row may go unanswered over TCP before
// the connection is suspected: the far end may be gone without a word, and an
// answer cut in two leaves the client out of step.
const missLimit = 3

// A network speaks Modbus on a network endpoint. It belongs to the goroutine
// that owns the line.
type network struct {
	conf  modbus.ClientConfiguration
	pause time.Duration
	late  time.Duration // how long an answer may come after its time-out

	count *counters
	stop  <-chan struct{}

	client  *modbus.ModbusClient // nil while not connected
	dial    chan dialled         // a connection being made, nil if none
	timeout time.Duration        // of client and dial: the longest asked for so far
	proven  bool                 // client has brought an answer
	stale   bool                 // client must not be asked again
	last    time.Time            // end of the last exchange
	misses  int                  // questions unanswered in a row
}

// dialled is what came of making a connection.
type dialled struct {
	client *modbus.ModbusClient
	err    error
}

// newNetwork returns the transport of url; the error says what is wrong with it.
func newNetwork(url string, o Options) (bus, error) {
	scheme, address, ok := strings.Cut(url, "://")
	if !ok {
		return nil, fmt.Errorf("network line %q: no scheme: tcp://, tcp+tls://, udp:// or rtuovertcp://", url)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return nil, fmt.Errorf("network line %q: want host:port after %s://; Modbus TCP's port is 502", url, scheme)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return nil, fmt.Errorf("network line %q: port is %q: 1 to 65535", url, port)
	}
	n := &network{
		conf: modbus.ClientConfiguration{
			URL:     url,
			Timeout: o.Timeout,
			Logger:  quietLogger(o.Logger),
		},
		pause:   o.Pause,
		late:    o.LateWindow,
		timeout: o.Timeout,
	}
	switch scheme {
	case "tcp", "udp":
	case "rtuovertcp":
		return newStream(address, o), nil
	case "tcp+tls":
		if o.Certificate == nil || o.RootCAs == nil {
			return nil, fmt.Errorf("network line %q: tcp+tls needs a client certificate and the server's CA", url)
		}
		n.conf.TLSClientCert, n.conf.TLSRootCAs = o.Certificate, o.RootCAs
	default:
		return nil, fmt.Errorf("network line %q: scheme is %q: tcp, tcp+tls, udp or rtuovertcp", url, scheme)
	}
	return n, nil
}

// quietLogger hands the client's chatter on as debug messages.
func quietLogger(l *slog.Logger) *log.Logger {
	return slog.NewLogLogger(l.Handler(), slog.LevelDebug)
}

func (n *network) attach(c *counters, _ *watchdog, stop <-chan struct{}) {
	n.count, n.stop = c, stop
}

// open connects. It waits for q's time-out at most: the connection goes on being
// made meanwhile, and a later open finds it.
func (n *network) open(q *question) error {
	if n.dial == nil {
		n.timeout = max(n.timeout, q.timeout)
		conf := n.conf
		conf.Timeout = n.timeout
		n.dial = make(chan dialled, 1)
		go connect(conf, n.dial)
	}
	limit := time.NewTimer(q.timeout)
	defer limit.Stop()
	select {
	case d := <-n.dial:
		n.dial = nil
		if d.err != nil {
			return fmt.Errorf("%w: %w", ErrUnreachable, d.err)
		}
		n.client, n.proven, n.stale, n.misses = d.client, false, false, 0
		return nil
	case <-limit.C:
		return fmt.Errorf("%w: no connection in %v", ErrUnreachable, q.timeout)
	case <-q.ctx.Done():
		return q.ctx.Err()
	case <-n.stop:
		return ErrClosed
	}
}

// connect makes one connection and ends. The client's own limits are 5 s, and
// 15 s with TLS.
func connect(conf modbus.ClientConfiguration, to chan<- dialled) {
	defer func() {
		if r := recover(); r != nil {
			to <- dialled{err: fmt.Errorf("connect: panic: %v", r)}
		}
	}()
	client, err := modbus.NewClient(&conf)
	if err == nil {
		err = client.Open()
	}
	to <- dialled{client, err}
}

func (n *network) close() error {
	if n.dial != nil {
		go func(dial <-chan dialled) {
			if d := <-dial; d.err == nil {
				d.client.Close()
			}
		}(n.dial)
		n.dial = nil
	}
	if n.client == nil {
		return nil
	}
	c := n.client
	n.client = nil
	return c.Close()
}

// ask puts q to the endpoint and returns the PDU that answers it.
//
// A connection that had worked and is found broken, as when the far end closes
// idle ones, is made again at once, and a read put again on it.
func (n *network) ask(q *question) ([]byte, error) {
	if q.raw || Private(q.pdu[0]) {
		return nil, ErrRaw
	}
	if n.stale || n.client == nil || q.timeout > n.timeout {
		if err := n.renew(q); err != nil {
			return nil, err
		}
	}
	if err := q.sleep(n.stop, time.Until(n.last.Add(n.rest()))); err != nil {
		return nil, err
	}
	pdu, err := n.put(q)
	if errors.Is(err, ErrUnreachable) && n.proven && q.again {
		if err := n.renew(q); err != nil {
			return nil, err
		}
		pdu, err = n.put(q)
	}
	return pdu, err
}

// rest is how long nothing is asked after an exchange. A late answer has a number of its own
// and is passed over, but not if it comes while the client waits for the end of one that
// was cut short: its first bytes are then taken for that end. So it is given its time.
func (n *network) rest() time.Duration {
	if n.misses > 0 {
		return max(n.pause, n.late)
	}
	return n.pause
}

// renew replaces the connection.
func (n *network) renew(q *question) error {
	n.close()
	if err := n.open(q); err != nil {
		return err
	}
	n.count.opens.Add(1)
	return nil
}

// put makes one exchange with the client and judges what came of it.
func (n *network) put(q *question) ([]byte, error) {
	n.count.questions.Add(1)
	if !n.count.taps.idle() {
		n.count.taps.tell(TapQuestion, false, []byte{q.unit}, q.pdu)
	}
	pdu, err := n.exchange(q)
	n.last = time.Now()
	if err == nil {
		n.proven, n.misses = true, 0
		n.count.taps.outcome(q, pdu, nil)
		return pdu, nil
	}
	err = n.translate(q, err)
	n.count.taps.outcome(q, nil, err)
	if _, ok := errors.AsType[*Exception](err); ok {
		n.proven, n.misses = true, 0
		return nil, err
	}
	n.misses++
	n.stale = n.misses >= missLimit || !errors.Is(err, ErrNoAnswer)
	return nil, err
}

// exchange calls the client's method for the function of q and returns the
// answer as a PDU. The client checks lengths, echoed addresses and values.
func (n *network) exchange(q *question) ([]byte, error) {
	c := n.client
	if err := c.SetUnitId(q.unit); err != nil {
		return nil, err
	}
	address, quantity := q.span()
	var data []byte
	var bits []bool
	var err error
	switch f := q.pdu[0]; f {
	case fcReadCoils:
		bits, err = c.ReadCoils(address, quantity)
	case fcReadDiscretes:
		bits, err = c.ReadDiscreteInputs(address, quantity)
	case fcReadHoldings:
		data, err = c.ReadRawBytes(address, 2*quantity, modbus.HOLDING_REGISTER)
	case fcReadInputs:
		data, err = c.ReadRawBytes(address, 2*quantity, modbus.INPUT_REGISTER)
	case fcWriteCoil:
		err = c.WriteCoil(address, q.pdu[3] != 0)
	case fcWriteRegister:
		err = c.WriteRegister(address, binary.BigEndian.Uint16(q.pdu[3:]))
	case fcWriteCoils:
		for i := range int(quantity) {
			bits = append(bits, q.pdu[6+i/8]>>(i%8)&1 != 0)
		}
		err = c.WriteCoils(address, bits)
	case fcWriteRegisters:
		var values []uint16
		for i := range int(quantity) {
			values = append(values, binary.BigEndian.Uint16(q.pdu[6+2*i:]))
		}
		err = c.WriteRegisters(address, values)
	}
	if err != nil {
		return nil, err
	}
	if !q.again {
		return q.pdu[:5], nil
	}
	pdu := append(make([]byte, 0, q.want.size), q.pdu[0], byte(q.want.size-2))
	if bits != nil {
		return appendBits(pdu, bits), nil
	}
	return append(pdu, data...), nil
}

// clientExceptions turns the client's errors back into the codes they were.
var clientExceptions = map[error]byte{
	modbus.ErrIllegalFunction:         1,
	modbus.ErrIllegalDataAddress:      2,
	modbus.ErrIllegalDataValue:        3,
	modbus.ErrServerDeviceFailure:     4,
	modbus.ErrAcknowledge:             5,
	modbus.ErrServerDeviceBusy:        6,
	modbus.ErrMemoryParityError:       8,
	modbus.ErrGWPathUnavailable:       10,
	modbus.ErrGWTargetFailedToRespond: gatewayTargetSilent,
}

// translate gives the client's error the sentinel that callers ask for.
func (n *network) translate(q *question, err error) error {
	var known modbus.Error
	if !errors.As(err, &known) {
		// A code outside the client's list has nothing but its text.
		var code byte
		if _, scan := fmt.Sscanf(err.Error(), "unknown exception code (%d)", &code); scan == nil {
			return q.refused(code)
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if code, ok := clientExceptions[known]; ok {
		return q.refused(code)
	}
	switch known {
	case modbus.ErrRequestTimedOut:
		return fmt.Errorf("%w in %v", ErrNoAnswer, n.timeout)
	case modbus.ErrShortFrame:
		return fmt.Errorf("%w in %v, only part of one", ErrNoAnswer, n.timeout)
	case modbus.ErrBadCRC:
		return ErrCRC
	}
	return fmt.Errorf("%w: %w", ErrAnswer, err)
}
