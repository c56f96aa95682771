//go:build linux

package bed

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errHeld says that another process holds a lock that was not waited for.
var errHeld = errors.New("another process holds the lock")

// A lock is held until it is closed, or until its process ends in whatever way.
type lock struct{ file *os.File }

// take locks a file in the given way (syscall.LOCK_…) and makes it when it is not there.
// Who removes a lock's file does so while it holds it; take notices and begins again.
func take(name string, how int) (*lock, error) {
	for {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		l := &lock{f}
		if err := l.change(how); err != nil {
			_ = f.Close()
			return nil, err
		}
		held, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		if named, err := os.Stat(name); err == nil && os.SameFile(held, named) {
			return l, nil
		}
		_ = f.Close()
	}
}

// change turns a shared lock into an exclusive one or back. Between the two there may be
// a moment without any.
func (l *lock) change(how int) error {
	for {
		err := syscall.Flock(int(l.file.Fd()), how)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errHeld
		}
		return fmt.Errorf("lock %s: %w", l.file.Name(), err)
	}
}

func (l *lock) release() { _ = l.file.Close() }

// remove removes the file of a lock that is held, and releases it.
func (l *lock) remove() error {
	err := os.Remove(l.file.Name())
	l.release()
	return err
}
