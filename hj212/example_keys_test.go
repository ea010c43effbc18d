package hj212_test

import (
	"fmt"

	"envgate/hj212"
)

// A platform hands out a new key (CN 1014). Neither end writes with it before the other
// can read it, whatever is lost on the way.
func ExampleKeys() {
	const mn = "010000A8900016F000169DC0"
	old, err := hj212.NewKey("20240301000000000", []byte("Zt4vB8nM2kQ6wE1r"))
	if err != nil {
		fmt.Println(err)
		return
	}
	platformKeys, stationKeys := hj212.Keys{old}, hj212.Keys{old}
	platform := &hj212.Codec{Sends: hj212.Down, Keys: func(string) hj212.Keys { return platformKeys }}
	station := &hj212.Codec{Sends: hj212.Up, Keys: func(string) hj212.Keys { return stationKeys }}

	// The platform makes a key (of crypto/rand, not like this one), offers it, and from
	// now on reads what comes under either.
	const created, secret = "20240601085857223", "Xk29bTq7LmZ04wPe"
	fresh, err := hj212.NewKey(created, []byte(secret))
	if err != nil {
		fmt.Println(err)
		return
	}
	platformKeys = platformKeys.Offer(fresh)
	request := hj212.Message{
		QN: "20240601085857223", ST: "31", CN: "1014", PW: "123456", MN: mn, Flag: hj212.NewFlag(hj212.Ed2025, hj212.WantAnswer),
		CP: hj212.Area{{{"SKCreateTime", created}, {"NewSK", secret}}},
	}
	frame := platform.AppendMessage(nil, &request)

	// The station reads it, and has executed it once it has the key.
	f, _, err := station.Cut(frame)
	fmt.Println("1014 came under the", f.Key, err)
	m, _ := hj212.ParseMessage(f.Data)
	at, _ := m.CP.Get("SKCreateTime")
	sk, _ := m.CP.Get("NewSK")
	key, err := hj212.NewKey(at, []byte(sk))
	if err != nil {
		fmt.Println(err)
		return
	}
	stationKeys = stationKeys.With(key)

	// The first frame under the new key tells the platform that the station has it.
	data := hj212.Message{
		QN: "20240601085900000", ST: "31", CN: "2011", PW: "123456", MN: mn, Flag: hj212.NewFlag(hj212.Ed2025, hj212.WantAnswer),
		CP: hj212.Area{{{"DataTime", "20240601085900"}}, {{"a21026-Rtd", "18.50"}, {"a21026-Flag", "N"}}},
	}
	f, _, err = platform.Cut(station.AppendMessage(nil, &data))
	fmt.Println("2011 came under the", f.Key, err)
	if f.Encrypted && f.Key == fresh {
		platformKeys = platformKeys.With(fresh)
	}
	fmt.Println(platformKeys)
	// Output:
	// 1014 came under the key of 20240301000000000 <nil>
	// 2011 came under the key of 20240601085857223 <nil>
	// [key of 20240601085857223 key of 20240301000000000]
}
