package apply

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// Journal appends events to a file, one JSON object a line. It is safe for concurrent use.
type Journal struct {
	mu      sync.Mutex
	f       *os.File
	written int // events

	syncing sync.Mutex
	synced  int // of the events
}

// OpenJournal creates the file. It must not exist: a journal is of one run.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	return &Journal{f: f}, nil
}

// Append writes one event, which a crash of this machine may take back until Sync returns.
func (j *Journal) Append(e Event) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.f.Write(append(b, '\n')); err != nil {
		return err
	}
	j.written++
	return nil
}

// Sync returns when all events that were appended before are on the disk. Of many who ask at the
// same time, most find that another one's answer holds for theirs.
func (j *Journal) Sync() error {
	wanted := j.count()
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= wanted {
		return nil
	}
	now := j.count()
	if err := j.f.Sync(); err != nil {
		return err
	}
	j.synced = now
	return nil
}

func (j *Journal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.written
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }

// maxEvent bounds one line of a journal that is read.
const maxEvent = 1 << 20

// ReadJournal reads the events of one run. A last line without its newline, as a
// killed run leaves it, is dropped; anything else that is no event is an error that
// names the line.
func ReadJournal(r io.Reader) ([]Event, error) {
	var out []Event
	br := bufio.NewReaderSize(r, 64*1024)
	for n := 1; ; n++ {
		line, err := readLine(br)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		var e Event
		if err := json.Unmarshal(line, &e); err != nil || e.Type == "" {
			return nil, fmt.Errorf("line %d is no event of a journal", n)
		}
		out = append(out, e)
	}
}

// readLine returns a complete line; io.EOF also for an incomplete last one.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxEvent:
			return nil, fmt.Errorf("longer than %d bytes", maxEvent)
		}
	}
}
