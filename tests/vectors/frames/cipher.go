package main

import (
	hexa "encoding/hex"
	"fmt"
	"strings"
)

// A secret is a data area whose whole blocks of 16 bytes are encrypted with SM4 in
// ECB. The cipher text was made by openssl, which the test asks again.
type secret struct{ key, area, cipher string }

const (
	head1  = "QN=20240520210700000;ST=31;CN=2051;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&" // HJ 212-2025, A.2
	head25 = "QN=20240601085857223;ST=31;CN=%s;PW=123456;MN=010000A8900016F000169DC0;Flag=9;CP=&&"
)

// The first two are printed in HJ 212-2025, A.2, examples 2 and 4. In the next four
// the cipher text has in it what a reader may take for the form of a frame; in two
// more the key is one that makes the first bytes look so.
var (
	areaA1 = secret{
		"0000000000000000",
		"DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01012-Min=9.3,a01012-Avg=9.3,a01012-Max=9.3,a01012-Flag=N;a01014-Min=3.20,a01014-Avg=3.211,a01014-Max=3.212,a01014-Flag=N",
		"e43e159acfab242cb53155fb8b9281a1a242577abfaed881be88b72d69fc55ed1a80119faac8b3cd33d285cc76f57f2ca7f88b9573c6647e0f07e24609bd6b63eb20c5b9784f28e71d2f4994ff61d9e1c2b3075592b4d1e09c4d8bb27be97b559e3da6643781a6f477769deeb009b10dfff3426922725d607dc4480f0cac5f70db2587b124bcb281592721d6e4bc180a97e5e111499cbe822e31c8d7761553543aa24207c290997bbde64f9266bc5f529a172e381c1d898ca1a0d771a914a7b2d7467c70b94f1d4a7b0350a48dbf8b41",
	}
	areaA3 = secret{
		"0000000000000000",
		"DataTime=20240520210600;a01011-Min=1.35,a01011-Avg=1.35,a01011-Max=1.35,a01011-Flag=N;a01014-Min=3.20,a01014-Avg=3.20,a01014-Max=3.20,a01014-Flag=N",
		"e43e159acfab242cb53155fb8b9281a1a242577abfaed881be88b72d69fc55ed1a80119faac8b3cd33d285cc76f57f2ca7f88b9573c6647e0f07e24609bd6b63eb20c5b9784f28e71d2f4994ff61d9e13b391a1d2a454b65388d5d9435dbf021528c7bf9755ef16518710c0cac0adef9c5156cd0a5a17674ac0ed2abc40023e9ef70128554b82438e91adce98a0d03a4",
	}
	areaMarks = secret{
		"0000000000000000",
		"DataTime=20240601085857;PolId=w01018;i11001-Info=//-------------reagent no 07058//",
		"51d45d461a00cd12208e58cb32cb3adc7d22c7e904113a0711880d49ff26562477e7e025857cea8489083449d066c3b5b35840980d6e92d0ddece22293c9d20c2f30e44cc36091642323d162a1f3c10c",
	}
	areaArea = secret{
		"0000000000000000",
		"DataTime=20240601085857;PolId=w01018;i11001-Info=//-------------reagent no 02535//",
		"51d45d461a00cd12208e58cb32cb3adc7d22c7e904113a0711880d49ff26562477e7e025857cea8489083449d066c3b5b35840980d6e92d0ddece22293c9d20c2626c91726a808ed2e56fe8d79dfe3e8",
	}
	areaLines = secret{
		"0000000000000000",
		"DataTime=20240601085857;PolId=w01018;i11001-Info=//-------------reagent no 04799//",
		"51d45d461a00cd12208e58cb32cb3adc7d22c7e904113a0711880d49ff26562477e7e025857cea8489083449d066c3b5b35840980d6e92d0ddece22293c9d20c0d0adff9d57bfbd1e5615b69d314024f",
	}
	areaEnds = secret{
		"0000000000000000",
		"DataTime=20240601085857;PolId=w01018;i11001-Info=//-------------reagent no.05158//",
		"51d45d461a00cd12208e58cb32cb3adc7d22c7e904113a0711880d49ff26562477e7e025857cea8489083449d066c3b5b35840980d6e92d0ddece22293c9d20c87ce07b4ad327b53b114c0f164b32626",
	}
	areaFirst = secret{
		"1SWZgSp1tzyG0bHD",
		"DataTime=20240601085857;a21026-Rtd=18.50,a21026-Flag=N",
		"26264b9da4d3018e46570a4fcac4c23008e49161f715b12402bbeda8a1b9d99b329b96b1031f90dbcab6e47ebd25be0f",
	}
	areaBrace = secret{
		"dPw6HLkJb245wSJj",
		"DataTime=20240601085857;a21026-Rtd=18.50,a21026-Flag=N",
		"7b30783ec27cfd0e74c22dfea743d0ef4e8f613bc4df154dcc87ce13f1d34242501201f182c74ac9e51cba374ded0a69",
	}
	areaBlock = secret{
		"0000000000000000",
		"a21026-Rtd=18.50",
		"34b7470a0640ce9ec454ca18529279f4",
	}
	areaRotated = secret{
		"Xk29bTq7LmZ04wPe",
		"DataTime=20240601085857;a21026-Rtd=18.50,a21026-Flag=N",
		"4d68420bd026f306920e49ac56cc7b3f49dba9675d29372e5bdd2906a9321d999795d8b4b91f081a524f58a4b687b622",
	}
	areaSame = secret{ // the crc of the encrypted segment is that of the plain one
		"Xk29bTq7LmZ04wPe",
		"DataTime=20240601085857;a21026-Rtd=02.05,a21026-Flag=N",
		"4d68420bd026f306920e49ac56cc7b3f49dba9675d29372e5bdd2906a9321d99807262b96f7f069051f8eac00d0fd81e",
	}
	areaNewKey = secret{
		"0000000000000000",
		"SKCreateTime=20240601085857223,NewSK=Xk29bTq7LmZ04wPe",
		"d9bae0a10a5d5fbb7bc1275f3f4abd125e51765a98b73080a344f8de8f4a66fc12a5886fe212f012553ac62e54c326d1",
	}
	// As Rotated with the key of A1, and padded as PKCS #7 has it.
	areaPadded = "51d45d461a00cd12208e58cb32cb3adc819a62ea73c924753ea5f61ba6a119209e96e23178ec325e6a1feedfcae2b1ac50eff20cbe38ec8be9ddf50979652d5b"
)

// raw is the segment with the cipher text as bytes.
func (s secret) raw(head string) string {
	cipher, err := hexa.DecodeString(s.cipher)
	if err != nil {
		panic(err)
	}
	return head + string(cipher) + s.area[len(cipher):] + "&&"
}

// braces is the segment with the cipher text as the standard prints it.
func (s secret) braces(head string) string {
	var list []string
	for i := 0; i < len(s.cipher); i += 2 {
		list = append(list, "0x"+strings.ToUpper(s.cipher[i:i+2]))
	}
	return head + "{" + strings.Join(list, ",") + "}" + s.area[len(s.cipher)/2:] + "&&"
}

func (s secret) plain(head string) string { return head + s.area + "&&" }

// entry is the key as a line of the header.
func entry(created, key string) string {
	return fmt.Sprintf("010000A8900016F000169DC0 %s %x", created, key)
}

// ciphers are frames whose data area is encrypted (HJ 212-2025, 6.4). Length and crc
// are those of the plain segment.
func ciphers() []vector {
	frame := func(length int, segment, plain string) string {
		return fmt.Sprintf("##%04d%s%s\r\n", length, segment, hex(sum(plain)))
	}
	taken := func(name, comment, head string, s secret) vector {
		plain := s.plain(head)
		return vector{
			name: name, comment: comment, keys: []string{entry("20240101000000000", s.key)}, encrypted: true,
			raw: frame(len(plain), s.raw(head), plain), means: []string{plain},
		}
	}
	// A frame that is refused, alone: what follows is of no interest here.
	refused := func(name, comment, expect string, s secret, keys ...string) vector {
		head := fmt.Sprintf(head25, "2011")
		raw := frame(len(s.plain(head)), s.raw(head), s.plain(head))
		return vector{name: name, comment: comment, expect: expect, keys: keys, raw: raw + next, skipped: len(raw), means: []string{other}}
	}
	log, live := fmt.Sprintf(head25, "3020"), fmt.Sprintf(head25, "2011")
	first := entry("20240101000000000", areaA1.key)
	rotated := entry("20240301000000000", areaRotated.key)
	third := entry("20240501000000000", areaFirst.key)

	list := []vector{
		taken("cipher-a2-2", "208 bytes in place of as many characters; the standard prints the bytes in braces", head1, areaA1),
		taken("cipher-a2-4", "144 bytes, and three characters that fill no block stay plain", head1, areaA3),
		taken("cipher-marks", "the cipher text has ## in it", log, areaMarks),
		taken("cipher-area", "the cipher text has && in it", log, areaArea),
		taken("cipher-lines", "the cipher text has CR LF in it", log, areaLines),
		taken("cipher-ends", "the cipher text ends with &&", log, areaEnds),
		taken("cipher-first", "the cipher text begins with &&", live, areaFirst),
		taken("cipher-brace", "the cipher text begins as one in braces does, and is raw", live, areaBrace),
		taken("cipher-same-crc", "the crc fits the encrypted segment too, as it does once in 256: it is not to be taken for plain", live, areaSame),
		taken("cipher-block", "a data area of one block", live, areaBlock),
		taken("cipher-new-key", "the platform hands out a new key", fmt.Sprintf(head25, "1014"), areaNewKey),
	}
	list[0].standard, list[1].standard = "HJ 212-2025 A.2 example 2", "HJ 212-2025 A.2 example 4"

	for _, r := range []struct {
		name, comment, standard string
		s                       secret
		length                  int
		violations              []string
	}{
		{"cipher-braces-a2-2", "in braces as printed; the length is that of the plain segment", "HJ 212-2025 A.2 example 2", areaA1, 295, nil},
		{"cipher-braces-a2-4", "in braces as printed; the length is that of the plain segment", "HJ 212-2025 A.2 example 4", areaA3, 234, nil},
		{"cipher-braces-text", "in braces, and the length is that of the text", "", areaA3, len(areaA3.braces(head1)), nil},
		{"cipher-braces-text-long", "in braces, and the length is that of the text, which is over the limit", "", areaA1, len(areaA1.braces(head1)), []string{"frame:long-data@2"}},
	} {
		v := taken(r.name, r.comment, head1, r.s)
		v.raw, v.standard, v.violations, v.seen = frame(r.length, r.s.braces(head1), r.s.plain(head1)), r.standard, r.violations, r.violations != nil
		list = append(list, v)
	}

	second := taken("cipher-key-second", "with the key before the newest", live, areaRotated)
	second.keys = []string{third, rotated, first}
	last := taken("cipher-key-third", "with the oldest of three keys", live, areaFirst)
	last.keys = []string{first, rotated, third}
	noEnd := taken("cipher-no-cr-lf", "neither CR nor LF, and the next frame follows", live, areaRotated)
	noEnd.keys, noEnd.seen, noEnd.violations = []string{rotated}, true, []string{fmt.Sprintf("frame:no-end@%d", len(noEnd.raw)-2)}
	noEnd.raw, noEnd.rest, noEnd.means = strings.TrimSuffix(noEnd.raw, "\r\n")+next, len(next), append(noEnd.means, other)
	cut := taken("cipher-short-cr", "the stream ends behind the crc: CR and LF are left out", live, areaRotated)
	cut.raw = strings.TrimSuffix(cut.raw, "\r\n")
	cut.expect, cut.keys, cut.seen, cut.violations = "short", []string{rotated}, true, []string{fmt.Sprintf("frame:no-end@%d", len(cut.raw))}
	lower := taken("cipher-lower", "crc digits in lower case", head1, areaA3)
	lower.seen, lower.violations = true, []string{fmt.Sprintf("frame:lower-crc@%d", len(lower.raw)-6)}
	lower.raw = swap(lower.raw, "B541\r\n", "b541\r\n")
	plain := vector{
		name: "cipher-not", comment: "a frame in plain, and the reader has keys", keys: []string{first},
		raw: wrap(areaRotated.plain(live)), means: []string{areaRotated.plain(live)},
	}
	short := vector{
		name: "cipher-short", comment: "a data area of 15 bytes, which fill no block, stays plain", keys: []string{first},
		raw: wrap(live + "a21026-Rtd=18.5&&"), means: []string{live + "a21026-Rtd=18.5&&"},
	}
	empty := vector{name: "cipher-empty", comment: "an empty data area has nothing to encrypt", keys: []string{first}, raw: next, means: []string{other}}
	list = append(list, second, last, noEnd, cut, lower, plain, short, empty)

	turned := refused("cipher-turned", "one bit of the cipher text is turned", "key@91", areaRotated, rotated)
	at := strings.Index(turned.raw, "CP=&&") + len("CP=&&") + 20
	turned.raw = turned.raw[:at] + string(turned.raw[at]^1) + turned.raw[at+1:]
	ofCipher := refused("cipher-crc-of-cipher", "the crc is that of the encrypted segment", "key@91", areaRotated, rotated)
	segment := areaRotated.raw(live)
	ofCipher.raw = swap(ofCipher.raw, hex(sum(areaRotated.plain(live)))+"\r\n"+next, hex(sum(segment))+"\r\n"+next)
	padded := refused("cipher-padded", "padded to a whole block (PKCS #7), and the length says so", "key@91", areaRotated, first)
	bytes := secret{cipher: areaPadded, area: strings.Repeat(" ", len(areaPadded)/2)}
	padded.raw = frame(len(bytes.raw(live)), bytes.raw(live), areaRotated.plain(live)) + next
	padded.skipped = len(padded.raw) - len(next)
	brace := refused("cipher-braces-digit", "in braces, and the last digit of 0xFF is none", "key@91", areaA1, first)
	brace.raw = frame(295, swap(areaA1.braces(head1), "0x94,0xFF", "0x94,0xFG"), areaA1.plain(head1)) + next
	brace.skipped = len(brace.raw) - len(next)
	return append(
		list,
		refused("cipher-no-keys", "encrypted, and the reader has no keys", "crc@147", areaRotated),
		refused("cipher-key-wrong", "encrypted with a key that the reader does not have", "key@91", areaRotated, first),
		refused("cipher-same-crc-key-wrong", "the crc fits the encrypted segment too, and no key fits", "key@91", areaSame, first),
		refused("cipher-key-other-mn", "the reader has the key for another device", "key@91", areaRotated, strings.Replace(rotated, "DC0", "DC1", 1)),
		turned, ofCipher, padded, brace,
	)
}
