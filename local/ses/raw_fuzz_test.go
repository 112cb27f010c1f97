package ses

import "testing"

func FuzzRaw(f *testing.F) {
	f.Add([]byte("From: a@example.com\r\nSubject: x\r\n\r\ntext"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--b--"))
	f.Add([]byte("Content-Type: multipart/mixed\r\n\r\n----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Message
		if err := fillRaw(&m, data); err == nil && len(m.Text)+len(m.HTML) > len(data) {
			t.Errorf("%d bytes of text out of %d", len(m.Text)+len(m.HTML), len(data))
		}
	})
}
