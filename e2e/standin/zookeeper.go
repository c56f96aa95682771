package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// session is a client of ZooKeeper: as much of its protocol as an election takes, one
// request at a time, without watches. Who asks often enough keeps the session alive.
type session struct {
	servers []string
	timeout time.Duration

	conn     net.Conn
	in       *bufio.Reader
	next     int   // the server to try next
	id       int64 // 0 before the first connection and after an expiry
	password []byte
	xid      int32
}

// errExpired says that ZooKeeper has dropped the session with its ephemeral nodes.
var errExpired = errors.New("the ZooKeeper session expired")

// A zkError is a code that ZooKeeper answers a request with.
type zkError int32

const (
	noNode     zkError = -101
	nodeExists zkError = -110
)

func (e zkError) Error() string { return fmt.Sprintf("ZooKeeper answers with error %d", int32(e)) }

// The numbers of the requests in ZooKeeper's protocol, and of a created node's kind.
const (
	opCreate      = 1
	opGetData     = 4
	opGetChildren = 8
	opClose       = -11

	ephemeralSequential = 3
)

// create makes a node that anybody may read and change, and returns its name.
func (s *session) create(path, data string, flags int32) (string, error) {
	var b message
	b.text(path)
	b.text(data)
	b.number(1) // one entry of access control: all (31) to the world
	b.number(31)
	b.text("world")
	b.text("anyone")
	b.number(flags)
	answer, err := s.ask(opCreate, b)
	if err != nil {
		return "", err
	}
	return answer.readText()
}

func (s *session) children(path string) ([]string, error) {
	var b message
	b.text(path)
	b = append(b, 0) // no watch
	answer, err := s.ask(opGetChildren, b)
	if err != nil {
		return nil, err
	}
	return answer.readTexts()
}

func (s *session) data(path string) (string, error) {
	var b message
	b.text(path)
	b = append(b, 0) // no watch
	answer, err := s.ask(opGetData, b)
	if err != nil {
		return "", err
	}
	return answer.readText()
}

// ask sends one request. After a failure of the connection the next one connects anew.
func (s *session) ask(op int32, body message) (*message, error) {
	if s.conn == nil {
		if err := s.connect(); err != nil {
			return nil, err
		}
	}
	s.xid++
	var b message
	b.number(s.xid)
	b.number(op)
	answer, err := s.exchange(append(b, body...))
	if err == nil {
		_, err = answer.readNumber() // its number, which is the request's: there is only one
	}
	if err == nil {
		_, err = answer.readLong() // the ensemble's clock
	}
	var code int32
	if err == nil {
		code, err = answer.readNumber()
	}
	if err != nil {
		s.drop()
		return nil, err
	}
	if code != 0 {
		return nil, zkError(code)
	}
	return answer, nil
}

// connect tries one server: the next one of the list, so that a dead one costs one attempt.
func (s *session) connect() error {
	server := s.servers[s.next%len(s.servers)]
	s.next++
	conn, err := net.DialTimeout("tcp", server, s.timeout/3) //nolint:noctx // bounded
	if err != nil {
		return err
	}
	s.conn, s.in = conn, bufio.NewReader(conn)
	var b message
	b.number(0) // the protocol's version
	b.long(0)   // nothing seen yet that a server would have to have seen, too
	b.number(int32(s.timeout.Milliseconds()))
	b.long(s.id)
	if s.password == nil {
		s.password = make([]byte, 16)
	}
	b.text(string(s.password))
	b = append(b, 0) // not read-only
	answer, err := s.exchange(b)
	if err != nil {
		s.drop()
		return err
	}
	_, err1 := answer.readNumber()
	timeout, err2 := answer.readNumber()
	id, err3 := answer.readLong()
	password, err4 := answer.readText()
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		s.drop()
		return err
	}
	if timeout <= 0 {
		s.drop()
		s.id, s.password = 0, nil
		return errExpired
	}
	s.id, s.password = id, []byte(password)
	return nil
}

// end gives the session up. Without a connection there is nobody to tell.
func (s *session) end() {
	if s.conn != nil {
		_, _ = s.ask(opClose, nil) // the process ends in any case
		s.drop()
	}
}

func (s *session) drop() {
	if s.conn != nil {
		_ = s.conn.Close() // nothing on it is waited for
		s.conn = nil
	}
}

// exchange sends a frame and reads the next one.
func (s *session) exchange(b message) (*message, error) {
	if err := s.conn.SetDeadline(time.Now().Add(s.timeout / 3)); err != nil { //nolint:forbidigo // a deadline of a connection
		return nil, err
	}
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(b)))
	if _, err := s.conn.Write(append(frame, b...)); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(s.in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > 1<<20 { // ZooKeeper's own limit of what a node holds
		return nil, fmt.Errorf("an answer of %d bytes", n)
	}
	answer := make(message, n)
	_, err := io.ReadFull(s.in, answer)
	return &answer, err
}

// A message is a body in ZooKeeper's encoding: big-endian numbers, texts with their length.
type message []byte

func (m *message) number(n int32) { *m = binary.BigEndian.AppendUint32(*m, uint32(n)) }
func (m *message) long(n int64)   { *m = binary.BigEndian.AppendUint64(*m, uint64(n)) }
func (m *message) text(s string)  { m.number(int32(len(s))); *m = append(*m, s...) }

func (m *message) take(n int) (message, error) {
	if n < 0 || n > len(*m) {
		return nil, io.ErrUnexpectedEOF
	}
	out := (*m)[:n]
	*m = (*m)[n:]
	return out, nil
}

func (m *message) readNumber() (int32, error) {
	b, err := m.take(4)
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

func (m *message) readLong() (int64, error) {
	b, err := m.take(8)
	if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

func (m *message) readText() (string, error) {
	n, err := m.readNumber()
	if err != nil || n < 0 { // a length of -1 is no text
		return "", err
	}
	b, err := m.take(int(n))
	return string(b), err
}

func (m *message) readTexts() ([]string, error) {
	n, err := m.readNumber()
	if err != nil {
		return nil, err
	}
	var out []string
	for range n { // what is announced and not there ends it
		s, err := m.readText()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// parseURL takes zk://[user:password@]host:port,…/path apart. The credentials are not
// used: the bed's ZooKeepers ask for none.
func parseURL(url string) (servers []string, path string, err error) {
	rest, ok := strings.CutPrefix(url, "zk://")
	list, path, _ := strings.Cut(rest, "/")
	list = list[strings.LastIndex(list, "@")+1:]
	if !ok || list == "" {
		return nil, "", refuse("Failed to create a master detector: Failed to parse '%s'", url)
	}
	return strings.Split(list, ","), "/" + path, nil
}
