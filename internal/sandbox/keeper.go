package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"meshsync.dev/meshsync/internal/sandbox/marathond"
)

// keepPause is how long changes of a Marathon are gathered before they are written; longer
// where writing takes long, so that it takes no more than keepShare of the time.
const (
	keepPause = 200 * time.Millisecond
	keepShare = 20 // one in
)

// A keeper writes what a Marathon knows to a file of the sandbox's folder: soon after each
// change, and at the end.
type keeper struct {
	file  string
	from  *marathond.Server
	dirty chan struct{} // holds one when there is something to write
	quit  chan struct{}
	done  chan struct{}
}

// keptMarathon starts a Marathon as the folder's last one of that name ended, and keeps it.
func keptMarathon(dir, name string) (*marathond.Server, *keeper, error) {
	k := &keeper{
		file:  filepath.Join(dir, "marathons", url.PathEscape(name)+".json"),
		dirty: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{}),
	}
	if err := os.MkdirAll(filepath.Dir(k.file), 0o755); err != nil {
		return nil, nil, err
	}
	o := marathond.Options{Name: name, Changed: k.changed}
	text, err := os.ReadFile(k.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.from = marathond.New(o)
	case err != nil:
		return nil, nil, err
	default:
		if k.from, err = marathond.Restore(o, text); err != nil {
			return nil, nil, fmt.Errorf("read its apps from %s, which can be removed to start without any: %w", k.file, err)
		}
	}
	go k.run()
	return k.from, k, nil
}

func (k *keeper) changed() {
	select {
	case k.dirty <- struct{}{}:
	default: // there is one already
	}
}

func (k *keeper) run() {
	defer close(k.done)
	pause := keepPause
	for {
		select {
		case <-k.quit:
			return
		case <-k.dirty:
		}
		t := time.NewTimer(pause)
		select {
		case <-k.quit:
			t.Stop()
			return
		case <-t.C:
		}
		began := time.Now()
		err := k.write()
		pause = max(keepPause, keepShare*time.Since(began))
		if err != nil {
			k.changed() // again after the pause; close says why it does not go
		}
	}
}

// close writes the last state. It must be called once, when the
// Marathon cannot be reached any more.
func (k *keeper) close() error {
	close(k.quit)
	<-k.done
	return k.write()
}

func (k *keeper) write() error {
	text, err := k.from.Snapshot()
	if err == nil {
		err = writeWhole(k.file, text)
	}
	if err != nil {
		return fmt.Errorf("keep the apps of a Marathon: %w", err)
	}
	return nil
}

// writeWhole puts a file there with all of its content at once: who waits for it, or reads it
// after this process was killed, reads all of it or what was there before.
func writeWhole(file string, text []byte) error {
	tmp := file + ".new"
	if err := os.WriteFile(tmp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}
